//! Listens on the Unix socket and serves each client by itself: a slow one waits for nobody and nobody for it.

use super::commands::Operator;
use super::wire;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Clients at once; one more is closed unread.
const CLIENTS_MAX: usize = 64;
/// How long a client may hold its place without asking anything.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// How long an answer may take to be read by its client.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// The bound socket; its file goes when this is dropped.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds with this mode. A file left by a dead daemon is replaced, one with a living daemon behind it is not.
    pub fn bind(path: &Path, mode: u32) -> std::io::Result<ControlSocket> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if path.exists() {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::AddrInUse,
                    format!("another daemon answers on {}", path.display()),
                ));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        Ok(ControlSocket { listener, path: path.to_owned() })
    }

    pub async fn serve(self, operator: Arc<Operator>) {
        let places = Arc::new(Semaphore::new(CLIENTS_MAX));
        loop {
            let Ok((client, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let operator = Arc::clone(&operator);
            tokio::spawn(async move {
                if let Err(error) = converse(client, &operator).await {
                    tracing::debug!(%error, "a control client went away");
                }
                drop(place);
            });
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket's file was already gone");
        }
    }
}

async fn converse(mut client: UnixStream, operator: &Operator) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Some(end) = memchr::memchr(b'\n', &buffer) {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let (id, command) = wire::read(line);
            let answer = match command {
                Ok(command) => operator.execute(command).await,
                Err(fault) => Err(fault),
            };
            send(&mut client, &wire::write(id, answer)).await?;
        }
        if buffer.len() > wire::LINE_BYTES_MAX {
            let fault = wire::Fault::new("too_long", format!("a line has at most {} bytes", wire::LINE_BYTES_MAX));
            return send(&mut client, &wire::write(serde_json::Value::Null, Err(fault))).await;
        }
        let Ok(count) = tokio::time::timeout(IDLE_MAX, client.read(&mut chunk)).await else { return Ok(()) };
        let count = count?;
        if count == 0 {
            return Ok(());
        }
        buffer.extend(chunk.iter().take(count));
    }
}

async fn send(client: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    match tokio::time::timeout(WRITE_DEADLINE, client.write_all(bytes)).await {
        Ok(written) => written,
        Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the client does not read")),
    }
}
