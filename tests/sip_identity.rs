//! A call whose network has signed who calls (STIR/SHAKEN), and calls whose signature is worth nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a signature is good for a minute of the wall clock")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use antevox::dialog::Verified;
use antevox::server::sip::{SipConfig, SipEdge, Stir, Transport};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use support::answering::sdp;
use support::phone::Phone;
use tokio_util::sync::CancellationToken;

const X5U: &str = "https://certs.example.org/net/carrier.pem";

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl starts");
    assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stderr));
}

/// An authority, and a carrier's certificate by it.
fn certificates(folder: &Path) -> (Stir, EcdsaKeyPair) {
    std::fs::create_dir(folder.join("certificates")).unwrap();
    let curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("req -x509 {curve} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"));
    openssl(folder, &format!("req -new {curve} -subj /CN=carrier -keyout carrier.key -out carrier.csr"));
    std::fs::write(folder.join("leaf.cnf"), "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:carrier\n")
        .unwrap();
    let sign = "x509 -req -in carrier.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.cnf";
    openssl(folder, &format!("{sign} -out certificates/carrier.pem"));
    openssl(folder, "pkcs8 -topk8 -nocrypt -in carrier.key -outform DER -out carrier.der");
    let key = std::fs::read(folder.join("carrier.der")).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &SystemRandom::new()).unwrap();
    (Stir::load(&folder.join("ca.pem"), &folder.join("certificates")).unwrap(), key)
}

fn identity(key: &EcdsaKeyPair, attest: &str, orig: &str, iat: u64, x5u: &str) -> String {
    let head = format!(r#"{{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"{x5u}"}}"#);
    let claims = format!(
        r#"{{"attest":"{attest}","dest":{{"tn":["95188"]}},"iat":{iat},"orig":{{"tn":"{orig}"}},"origid":"1"}}"#
    );
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("Identity: {signed}.{};info=<{x5u}>;alg=ES256;ppt=shaken\r\n", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_signed_caller_is_known_as_surely_as_the_network_says() {
    let folder = tempfile::tempdir().unwrap();
    let (stir, key) = certificates(folder.path());
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let config = SipConfig { listen: vec![(Transport::Udp, any)], stir: Some(stir), ..SipConfig::default() };
    let (edge, mut calls) = SipEdge::start(config, CancellationToken::new()).await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let number = "13800000001";
    let good = |attest| identity(&key, attest, number, now, X5U);
    let broken = good("A").replace("Identity: ", "Identity: e");
    for (field, verified) in [
        (good("A"), Verified::A),
        (good("B"), Verified::B),
        (good("C"), Verified::C),
        (good("D"), Verified::Failed),
        (identity(&key, "A", "13800000002", now, X5U), Verified::Failed),
        (identity(&key, "A", number, now - 3_600, X5U), Verified::Failed),
        (identity(&key, "A", number, now, "https://certs.example.org/other.pem"), Verified::Failed),
        (broken, Verified::Failed),
        (String::new(), Verified::None),
    ] {
        let mut phone = Phone::new(edge.bound()[0].1).await;
        phone.send("INVITE", &format!("{field}Content-Type: application/sdp\r\n"), &sdp("sendrecv")).await;
        let call = calls.recv().await.unwrap();
        assert_eq!(call.facts.verified, Some(verified), "{field}");
    }
}
