//! Logs to standard error, figures for `/metrics`.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Bounds of the latency histograms \[s\].
const SECONDS: &[f64] = &[0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0];

/// Starts logging. `RUST_LOG` chooses what is logged; without it, milestones of calls and everything that went wrong.
///
/// A second start in one process changes nothing: the first one stands.
pub fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,antevox=info"));
    let is_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_terminal);
    match format {
        LogFormat::Text => builder.try_init().ok(),
        LogFormat::Json => builder.json().try_init().ok(),
    };
}

/// Starts counting.
///
/// # Errors
/// Something else in this process counts already.
pub fn count() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .install_recorder()?;
    metrics::describe_counter!("antevox_calls_total", "Calls that ended, by outcome");
    metrics::describe_counter!("antevox_calls_refused_total", "Calls refused, by SIP status");
    metrics::describe_gauge!("antevox_calls_up", "Calls that are up");
    metrics::describe_histogram!(
        "antevox_response_seconds",
        "End of the caller's speech to the first sound of the answer"
    );
    metrics::describe_counter!("antevox_barge_ins_total", "Prompts that callers interrupted");
    metrics::describe_counter!("antevox_partials_dropped_total", "Partial texts dropped because a call was busy");
    metrics::describe_counter!("antevox_hearings_delayed_total", "Hearings that waited for a free recogniser");
    metrics::describe_counter!("antevox_dialplan_reloads_total", "Changed dialplans, by outcome: taken, refused");
    metrics::describe_counter!("antevox_prompts_refused_total", "Prompts dropped because synthesis was overrun");
    Ok(handle)
}
