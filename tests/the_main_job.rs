//! The main job, end to end: the server as an operator starts it, callers in processes of their own, real SIP and RTP, real
//! recognition and synthesis. One server serves all calls of this file, since it takes a while to learn its dialplan.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use support::answering::{Manner, Server as Answering};
use support::hotline::{Hotline, said_by};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_recognised_understood_and_helped() {
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("models/en-us-8k").is_dir() {
        panic!("the telephone model is missing: run `antevox models get en-us-8k`, as `make test` does");
    }
    let agents = Answering::start(Manner::Answers).await;
    let agent = agents.address(antevox::server::sip::Transport::Udp, true);
    tokio::task::spawn_blocking(move || {
        let hotline = Hotline::start(agent, &[]);
        a_guess_is_confirmed(&hotline);
        a_caller_speaks_into_the_prompt(&hotline);
        a_stranger_describes_the_problem(&hotline);
        a_caller_wants_a_human(&hotline);
        a_caller_only_presses_keys(&hotline);
        a_caller_is_to_be_called_back(&hotline);
        the_operator_sees_what_happened(&hotline);
        what_calls_taught_survives_a_restart(hotline, agent);
    })
    .await
    .unwrap();
}

/// Answer before asking: the card of this member was declined an hour ago.
fn a_guess_is_confirmed(hotline: &Hotline) {
    let record = hotline.call("13800000001", &["listen", "text:yes please", "listen", "text:no thanks", "listen:1"]);
    let greeting = &said_by(&record, "server")[0];
    assert!(greeting["text"].as_str().unwrap().contains("Ms Li"), "{greeting}");
    assert_eq!(record["guess"][0]["scene"], "declined_card_payment");
    assert_eq!((&record["guess_spoken"], &record["confirmed"]), (&true.into(), &true.into()), "{record}");
    assert_eq!((&record["scene"], &record["turns_to_problem"]), (&"declined_card_payment".into(), &1.into()));
    assert_eq!(record["outcome"], "resolved");
    assert!(record["member"]["confidence"].as_f64().unwrap() > 0.9);
}

/// Steps that callers may begin at any time: the day was said already, the time is read back, and the appointment is kept.
fn a_caller_is_to_be_called_back(hotline: &Hotline) {
    let said =
        ["listen", "text:please call me back tomorrow", "listen", "text:at ten in the morning", "listen", "text:yes"];
    let record = hotline.call("13800000002", &[&said[..], &["listen", "text:no thanks", "listen:1"]].concat());
    let told = |part: &str| said_by(&record, "server").iter().any(|turn| turn["text"].as_str().unwrap().contains(part));
    assert!(told("tomorrow at 10 am"), "{record}");
    let data = hotline.data.path().to_str().unwrap().to_owned();
    let appointments = hotline.operator(&["calls", "--appointments", "--json", "--data", &data]);
    let appointment: Value = serde_json::from_str(appointments.trim()).unwrap();
    assert_eq!((&appointment["phone"], &appointment["call_id"]), (&"13800000002".into(), &record["call_id"]));
    assert!(appointment["at"].as_str().unwrap().ends_with("T10:00"), "{appointment}");
}

/// Duplex: the prompt stops, and what was said over it is understood.
fn a_caller_speaks_into_the_prompt(hotline: &Hotline) {
    let over = "barge:3:text:no, it's about my card, it has not arrived yet";
    let record = hotline.call("13800000002", &[over, "listen", "text:yes", "listen:2"]);
    let greeting = &said_by(&record, "server")[0];
    assert_eq!(greeting["barged_in"], true, "{record}");
    assert!(greeting["heard_ms"].as_u64().unwrap() < 6_000, "the rest was not spoken: {greeting}");
    assert_eq!(record["scene"], "card_arrival", "{record}");
}

/// Nobody knows this number; the words alone must do.
fn a_stranger_describes_the_problem(hotline: &Hotline) {
    let steps = ["listen", "text:i forgot the pin of my card and now it is blocked", "listen", "text:yes", "listen:1"];
    let record = hotline.call("057100000001", &steps);
    assert_eq!(record["member"], Value::Null);
    assert_eq!(record["scene"], "pin_blocked", "{record}");
    assert_eq!(record["identified"], true);
}

/// The second leg is answered by a SIP server that plays the colleague.
fn a_caller_wants_a_human(hotline: &Hotline) {
    let record = hotline.call("057100000002", &["listen", "text:i want to talk to a person", "listen:2", "wait:2"]);
    assert_eq!(record["outcome"], "transferred", "{record}");
    assert_eq!(record["transfer"]["reason"], "caller_asked");
}

/// Keys reach a human too.
fn a_caller_only_presses_keys(hotline: &Hotline) {
    let record = hotline.call("057100000003", &["listen", "dtmf:0", "listen:2", "wait:2"]);
    assert_eq!(record["outcome"], "transferred", "{record}");
}

fn the_operator_sees_what_happened(hotline: &Hotline) {
    assert_eq!(hotline.records().len(), 6);
    assert!(hotline.get("/health").contains("\"ok\":true"));
    assert!(hotline.get("/metrics").contains("antevox_calls_total"));
    assert!(hotline.get("/").contains("<title>antevox"));
    let (_, calls) =
        hotline.get("/api/calls").split_once("\r\n\r\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let calls: Value = serde_json::from_str(&calls).unwrap();
    assert_eq!(calls["recent"].as_array().unwrap().len(), 6);
}

/// The second caller was asked about a refund and told something else: the refund still troubles them after a power cut.
fn what_calls_taught_survives_a_restart(hotline: Hotline, agents: SocketAddr) {
    let first = hotline.records().into_iter().find(|record| record["scene"] == "card_arrival").unwrap();
    assert_eq!(first["order"], Value::Null, "no order is to blame for a card that is on its way: {first}");
    let hotline = hotline.restart(agents);
    let again = hotline.call("13800000002", &["listen:1"]);
    assert_eq!(again["guess"][0]["scene"], first["guess"][0]["scene"], "{again}");
    let likely = |record: &Value| record["guess"][0]["p"].as_f64().unwrap();
    assert!((0.5..likely(&first)).contains(&likely(&again)), "a little less likely than before: {again}");
}
