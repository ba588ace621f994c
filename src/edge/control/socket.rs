//! Listens on the Unix socket; whoever may open its file may do everything. Knows no command.

use super::commands::Operator;
use super::conversation::{self, Limits, Lines};
use super::scope::Scopes;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Clients at once; one more is closed unread.
const CLIENTS_MAX: usize = 64;

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
                let (who, pid) = name_of(&client);
                tracing::debug!(who, pid, "a control client has come");
                let (incoming, outgoing) = Lines::of(client);
                conversation::hold((incoming, outgoing), (who, Scopes::all()), operator, Limits::default()).await;
                drop(place);
            });
        }
    }
}

/// Whom the system knows the client to be.
fn name_of(client: &UnixStream) -> (String, Option<i32>) {
    let peer = client.peer_cred();
    peer.map_or(("unknown".to_owned(), None), |peer| (format!("uid:{}", peer.uid()), peer.pid()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("offhook-control-{name}-{}", std::process::id()))
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
