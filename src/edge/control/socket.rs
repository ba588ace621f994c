//! Listens on the Unix socket and serves each client by itself: a slow one waits for nobody and nobody for it.

use super::commands::Operator;
use super::wire::{self, Command, Fault};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
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
        let listener = bind_in_private(path, mode)?;
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
                let who = name_of(&client);
                if let Err(error) = converse(client, IDLE_MAX, |command| operator.execute(&who, command)).await {
                    tracing::debug!(%error, "a control client went away");
                }
                drop(place);
            });
        }
    }
}

/// Whom the system knows the client to be.
fn name_of(client: &UnixStream) -> String {
    client.peer_cred().map_or("unknown".to_owned(), |peer| format!("uid:{}", peer.uid()))
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket's file was already gone");
        }
    }
}

/// In a folder that is ours alone, and moved into its place when its mode stands: nobody can connect in between.
fn bind_in_private(path: &Path, mode: u32) -> std::io::Result<UnixListener> {
    // Short, because the path of a socket has room for about a hundred bytes.
    let folder = path.with_file_name(".new");
    if let Err(error) = std::fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let unmoved = folder.join("s");
    let bound = UnixListener::bind(&unmoved).and_then(|listener| {
        std::fs::set_permissions(&unmoved, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&unmoved, path)?;
        Ok(listener)
    });
    std::fs::remove_dir_all(&folder)?;
    bound
}

async fn converse<A>(mut client: UnixStream, idle: Duration, execute: impl Fn(Command) -> A) -> std::io::Result<()>
where
    A: Future<Output = Result<serde_json::Value, Fault>>,
{
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
                Ok(command) => execute(command).await,
                Err(fault) => Err(fault),
            };
            send(&mut client, &wire::write(id, answer)).await?;
        }
        if buffer.len() > wire::LINE_BYTES_MAX {
            let fault = Fault::new("too_long", format!("a line has at most {} bytes", wire::LINE_BYTES_MAX));
            return send(&mut client, &wire::write(serde_json::Value::Null, Err(fault))).await;
        }
        let Ok(count) = tokio::time::timeout(idle, client.read(&mut chunk)).await else { return Ok(()) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Instant;

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("offhook-control-{name}-{}", std::process::id()))
    }

    #[tokio::test]
    async fn a_client_that_asks_nothing_loses_its_place() {
        let (mut client, ours) = UnixStream::pair().unwrap();
        let idle = Duration::from_millis(50);
        let conversation = tokio::spawn(converse(ours, idle, async |_| Ok(json!("done"))));
        client.write_all(b"{\"id\":1,\"command\":\"status\"}\n").await.unwrap();
        let mut told = Vec::new();
        client.read_to_end(&mut told).await.unwrap();
        assert_eq!(told, b"{\"id\":1,\"result\":\"done\"}\n");
        assert!(conversation.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn the_socket_has_its_mode_from_the_first_moment_on() {
        let folder = scratch("mode");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("control.sock");
        // Whoever looks while it is made sees nothing, or a socket that is as closed as it will be.
        let watched = path.clone();
        let watching = std::thread::spawn(move || {
            let until = Instant::now() + Duration::from_millis(500);
            let mut seen = std::collections::BTreeSet::new();
            while Instant::now() < until {
                seen.extend(std::fs::metadata(&watched).map(|found| found.permissions().mode() & 0o777));
            }
            seen
        });
        for _ in 0..200 {
            drop(ControlSocket::bind(&path, 0o600).unwrap());
        }
        let socket = ControlSocket::bind(&path, 0o600).unwrap();
        assert_eq!(watching.join().unwrap().into_iter().collect::<Vec<_>>(), [0o600]);
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        assert!(ControlSocket::bind(&path, 0o600).is_err(), "one with a living daemon behind it is not replaced");
        drop(socket);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
