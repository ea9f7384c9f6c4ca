//! Carries out what a dialplan calls an action.
//!
//! ```text
//! ActionRequest, with values ─► log │ text message │ web service │ the store ─► ActionResult, with what it brought
//! ```

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::store::{Appointment, Store, StoreError};
use crate::dialog::dialplan::{Action, ActionKind, Datum, Fact, Method, Name, Wording};
use crate::dialog::{ActionRequest, ActionResult, Plan};
use crate::units::Pii;

/// How long a service that is called may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer of a service that is read [bytes].
const MAX_ANSWER: usize = 64 * 1024;

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
    Refused(StatusCode),
    #[error("the service's answer cannot be read: {0}")]
    Unread(Box<dyn std::error::Error + Send + Sync>),
    #[error("the answer has no `{0}`")]
    Missing(String),
    #[error("`{0}` is not known in this call")]
    NotKnown(&'static str),
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Carries out `request`, made in call `call_id`, as `plan` says, and tells how it ended. A failure is logged and told to
/// the dialog; it never ends a call.
pub async fn carry_out(plan: &Plan, store: &Store, call_id: &str, request: ActionRequest) -> ActionResult {
    let name = request.action.clone();
    let outcome = match plan.action(&name) {
        Some(action) => Deed { store, call_id, action, request }.attempt().await,
        None => Err(ActionError::Unknown),
    };
    match outcome {
        Ok(values) => ActionResult { action: name, succeeded: true, values: values.into_iter().map(Pii).collect() },
        Err(error) => {
            tracing::warn!(action = name, %error, "an action failed");
            ActionResult { action: name, succeeded: false, values: Vec::new() }
        }
    }
}

struct Deed<'a> {
    store: &'a Store,
    call_id: &'a str,
    action: &'a Action,
    request: ActionRequest,
}

impl Deed<'_> {
    /// Does it; the values that it brought, in the order of `returns`.
    async fn attempt(&self) -> Result<Vec<String>, ActionError> {
        match &self.action.kind {
            ActionKind::Log => {
                let scene = self.request.scene.as_ref().map(|scene| scene.as_str());
                tracing::info!(action = self.action.name, scene, order = self.request.order_id, "action");
                Ok(Vec::new())
            }
            ActionKind::Sms { url, text } => {
                let text = self.fill(text, |datum| datum.spoken.clone());
                let mut facts = self.facts();
                facts["text"] = Value::String(text);
                call(Method::Post, &self.url(url), facts).await.map(|_| Vec::new())
            }
            ActionKind::Http { url, method } => {
                let answer = call(*method, &self.url(url), self.facts()).await?;
                self.pointed_at(&answer)
            }
            ActionKind::Sql { query } => {
                let pieces = query.pieces().map(|piece| piece.map_err(|name| self.text(name))).collect();
                let row = self.store.read(pieces).await?;
                let column = |(_, column): &(String, String)| {
                    let found = row.iter().find(|(name, _)| name == column);
                    found.map(|(_, value)| value.clone()).ok_or_else(|| ActionError::Missing(column.clone()))
                };
                self.action.returns.iter().map(column).collect()
            }
            ActionKind::Appointment { phone, day, time } => {
                let at = format!("{}T{}", self.text(Name::Slot(*day)), self.text(Name::Slot(*time)));
                let phone = self.fill(phone, |datum| datum.text.clone());
                if phone.is_empty() {
                    return Err(ActionError::NotKnown("phone"));
                }
                let scene = self.request.scene.as_ref().map(ToString::to_string);
                let appointment = Appointment { call_id: self.call_id.to_owned(), phone: Pii(phone), at, scene };
                self.store.save_appointment(&appointment).await?;
                Ok(Vec::new())
            }
            // The dialog asks for a look-up instead.
            ActionKind::Identity { .. } => Err(ActionError::Unknown),
        }
    }

    fn facts(&self) -> Value {
        json!({ "action": self.action.name, "call_id": self.call_id, "scene": self.request.scene, "order_id": self.request.order_id })
    }

    /// What the answer says at each of the places in `returns`.
    fn pointed_at(&self, answer: &Bytes) -> Result<Vec<String>, ActionError> {
        if self.action.returns.is_empty() {
            return Ok(Vec::new());
        }
        let answer: Value = serde_json::from_slice(answer).map_err(|error| ActionError::Unread(error.into()))?;
        let value = |(_, pointer): &(String, String)| match answer.pointer(pointer) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            _ => Err(ActionError::Missing(pointer.clone())),
        };
        self.action.returns.iter().map(value).collect()
    }

    /// The value of `name` as machines want it; empty where it is not known.
    fn text(&self, name: Name) -> String {
        if name == Name::Fact(Fact::CallId) {
            return self.call_id.to_owned();
        }
        let found = self.request.values.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.0.text.clone()).unwrap_or_default()
    }

    fn fill(&self, wording: &Wording, form: fn(&Datum) -> String) -> String {
        let value = |name: Name| {
            let found = self.request.values.iter().find(|(known, _)| *known == name);
            Some(found.map_or_else(|| self.text(name), |(_, value)| form(&value.0)))
        };
        wording.fill(&value).unwrap_or_default()
    }

    /// A URL whose values cannot break out of their place (RFC 3986, 2.1).
    fn url(&self, wording: &Wording) -> String {
        let piece = |piece: Result<&str, Name>| match piece {
            Ok(text) => text.to_owned(),
            Err(name) => percent_encoded(&self.text(name)),
        };
        wording.pieces().map(piece).collect()
    }
}

/// Everything but unreserved characters as `%XX` (RFC 3986, 2.3).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

async fn call(method: Method, url: &str, facts: Value) -> Result<Bytes, ActionError> {
    let request = match method {
        Method::Get => Request::get(url).body(Body::empty())?,
        Method::Post => {
            let typed = Request::post(url).header(header::CONTENT_TYPE, "application/json");
            typed.body(Body::from(facts.to_string()))?
        }
    };
    let client = Client::builder(TokioExecutor::new()).build_http();
    let exchange = async {
        let answer = client.request(request).await?;
        if !answer.status().is_success() {
            return Err(ActionError::Refused(answer.status()));
        }
        axum::body::to_bytes(Body::new(answer.into_body()), MAX_ANSWER)
            .await
            .map_err(|error| ActionError::Unread(error.into()))
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| ActionError::TimedOut)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_place_in_a_url() {
        assert_eq!(percent_encoded("a&b=c/../ü 1.5-x"), "a%26b%3Dc%2F..%2F%C3%BC%201.5-x");
    }
}
