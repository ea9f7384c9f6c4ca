//! The server as an operator starts it, in a process of its own, and callers in processes of theirs.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A server in a process of its own; ended with the test.
pub struct Hotline {
    process: Child,
    sip: String,
    http: SocketAddr,
    pub data: tempfile::TempDir,
}

impl Hotline {
    /// Starts a server whose humans are at `agents`, with further `settings` as environment variables.
    pub fn start(agents: SocketAddr, settings: &[(&str, &str)]) -> Self {
        Self::start_on(tempfile::tempdir().unwrap(), agents, settings)
    }

    /// Kills the server, as a power cut would, and starts another where it was.
    pub fn restart(mut self, agents: SocketAddr) -> Self {
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().unwrap());
        drop(self);
        Self::start_on(data, agents, &[])
    }

    fn start_on(data: tempfile::TempDir, agents: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_antevox"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            // What the sentence model adds is tested elsewhere; learning with it would take the calls' processor time, as
            // rendering prompts ahead would.
            .env("ANTEVOX_ENGINES__UNDERSTANDING", "linear")
            .env("ANTEVOX_ENGINES__PROMPTS_MB", "0")
            .envs(settings.iter().copied())
            .args(["serve", "--sip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--agents", &agents.to_string(), "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready: Value = lines
            .find_map(|line| serde_json::from_str(&line.unwrap()).ok())
            .expect("the server starts; are the models there? `antevox models get en-us-8k`");
        assert_eq!(ready["ready"], true);
        let sip = ready["sip"].as_array().unwrap().iter().find_map(|address| address.as_str()?.strip_prefix("udp:"));
        let http = ready["http"].as_str().unwrap().parse().unwrap();
        Self { sip: format!("sip:95188@{}", sip.unwrap()), http, process, data }
    }

    /// Lets somebody call from `number`, and answers the record of the call.
    pub fn call(&self, number: &str, steps: &[&str]) -> Value {
        let mut call = Command::new(env!("CARGO_BIN_EXE_antevox"));
        let output = call.args(["call", &self.sip, "--json", "--from", number, "--voice", "rms"]).args(steps).output();
        let report: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        assert_eq!(report["answered"], true, "{report}");
        self.records().into_iter().rfind(|record| record["from"] == number).expect("the call has a record")
    }

    /// The records as an operator sees them. The last one may still be on its way into the store.
    pub fn records(&self) -> Vec<Value> {
        std::thread::sleep(std::time::Duration::from_secs(1));
        let output = self.operator(&["calls", "--json", "--data", self.data.path().to_str().unwrap()]);
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn operator(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_antevox")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Where it takes calls over UDP.
    pub fn address(&self) -> SocketAddr {
        self.sip.rsplit_once('@').unwrap().1.parse().unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = TcpStream::connect(self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: antevox\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Hotline {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What `who` said in a call.
pub fn said_by(record: &Value, who: &str) -> Vec<Value> {
    record["turns"].as_array().unwrap().iter().filter(|turn| turn["who"] == who).cloned().collect()
}
