//! Carries out what a dialplan calls an action.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::dialog::dialplan::ActionKind;
use crate::dialog::{ActionRequest, ActionResult, Plan};

/// How long a service that is called may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
enum ActionError {
    #[error("the dialplan has no such action")]
    Unknown,
    #[error("the service did not answer within {PATIENCE:?}")]
    TimedOut,
    #[error("the request cannot be made: {0}")]
    BadRequest(#[from] axum::http::Error),
    #[error("the service cannot be reached: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("the service answered {0}")]
    Refused(axum::http::StatusCode),
}

/// Carries out `request` as `plan` says and tells how it ended. A failure is logged and told to the dialog; it never ends a call.
pub async fn carry_out(plan: &Plan, request: ActionRequest) -> ActionResult {
    let outcome = attempt(plan, &request).await;
    if let Err(error) = &outcome {
        tracing::warn!(action = request.action, %error, "an action failed");
    }
    ActionResult { action: request.action, succeeded: outcome.is_ok() }
}

async fn attempt(plan: &Plan, request: &ActionRequest) -> Result<(), ActionError> {
    let action = plan.action(&request.action).ok_or(ActionError::Unknown)?;
    let facts = json!({ "action": request.action, "scene": request.scene, "order_id": request.order_id });
    match &action.kind {
        ActionKind::Log => {
            tracing::info!(action = request.action, scene = %request.scene, order = request.order_id, "action");
            Ok(())
        }
        ActionKind::Http { url } => post(url, facts).await,
        ActionKind::Sms { url, text } => {
            let mut facts = facts;
            facts["text"] = Value::String(text.clone());
            post(url, facts).await
        }
    }
}

async fn post(url: &str, facts: Value) -> Result<(), ActionError> {
    let request =
        Request::post(url).header(header::CONTENT_TYPE, "application/json").body(Body::from(facts.to_string()))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = tokio::time::timeout(PATIENCE, client.request(request)).await.map_err(|_| ActionError::TimedOut)??;
    if answer.status().is_success() { Ok(()) } else { Err(ActionError::Refused(answer.status())) }
}
