//! Asks the running daemon over its control socket: one line of JSON there, one back. Waits only so long.

use super::outcome::Failure;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// How long an answer may take; a reload resolves and reads files.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer: some ten thousand calls.
const ANSWER_BYTES_MAX: u64 = 64 * 1_024 * 1_024;

#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    pub fn new(path: PathBuf) -> Client {
        Client { path }
    }

    /// Sends `request` (an object with `command`) and gives what stands in the answer's `result`.
    pub fn ask(&self, mut request: Value) -> Result<Value, Failure> {
        if let Some(object) = request.as_object_mut() {
            object.insert("id".to_owned(), json!(1));
        }
        let mut stream = UnixStream::connect(&self.path).map_err(|error| self.unreachable(&error))?;
        let line = self.exchange(&mut stream, &request).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::failed("no_answer", "the daemon does not answer"),
            _ => Failure::failed("broken", format!("the control socket broke: {error}")),
        })?;
        let mut answer: Value = serde_json::from_str(&line)
            .map_err(|_| Failure::failed("broken", "the daemon's answer is no JSON: is it another program?"))?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(read_fault(&answer)),
        }
    }

    /// As `ask`, and keeps the connection for what comes after the answer.
    pub fn hold(&self, mut request: Value) -> Result<(Value, BufReader<UnixStream>), Failure> {
        if let Some(object) = request.as_object_mut() {
            object.insert("id".to_owned(), json!(1));
        }
        let broken = |error: std::io::Error| Failure::failed("broken", format!("the control socket broke: {error}"));
        let mut stream = UnixStream::connect(&self.path).map_err(|error| self.unreachable(&error))?;
        stream.write_all(format!("{request}\n").as_bytes()).map_err(broken)?;
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.by_ref().take(ANSWER_BYTES_MAX).read_line(&mut line).map_err(broken)?;
        let mut answer: Value = serde_json::from_str(&line)
            .map_err(|_| Failure::failed("broken", "the daemon's answer is no JSON: is it another program?"))?;
        match answer.get_mut("result") {
            Some(result) => Ok((result.take(), lines)),
            None => Err(read_fault(&answer)),
        }
    }

    fn exchange(&self, stream: &mut UnixStream, request: &Value) -> std::io::Result<String> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut line)?;
        Ok(line)
    }

    fn unreachable(&self, error: &std::io::Error) -> Failure {
        let path = self.path.display();
        let message = match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                format!("no daemon answers on {path}; give its socket with --socket or OFFHOOK_SOCKET")
            }
            ErrorKind::PermissionDenied => format!("you may not use {path}: join the daemon's group"),
            _ => format!("{path}: {error}"),
        };
        Failure::failed("unreachable", message)
    }
}

fn read_fault(answer: &Value) -> Failure {
    let text = |key: &str| answer.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let details = answer.pointer("/error/details").and_then(Value::as_array);
    Failure {
        details: details.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        ..Failure::failed(&text("/error/code"), text("/error/message"))
    }
}
