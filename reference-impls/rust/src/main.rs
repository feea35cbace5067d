//! A chat/1 server with tokio and tokio-tungstenite: one task a connection.

mod chat;
#[cfg_attr(feature = "tuned", path = "../tuned/connection.rs")]
mod connection;
mod http;
mod member;
mod messages;
#[cfg(test)]
mod tests;

use std::{env, error::Error, io, str::FromStr, sync::Arc, thread, time::Duration};

use tokio::net::{lookup_host, TcpListener, TcpSocket};
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::{sleep, timeout};

use chat::Chat;

/// Keeps one of the five seconds that the protocol allows after SIGTERM in reserve.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

fn main() -> Result<(), Box<dyn Error>> {
    let workers = setting("CHAT_WORKERS", thread::available_parallelism()?.get())?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    #[cfg(feature = "tuned")]
    connection::tune(&mut builder, workers)?;
    builder.worker_threads(workers).enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let chat = Arc::new(Chat {
        ping_interval: Duration::from_millis(setting("CHAT_PING_INTERVAL_MS", 30_000)?),
        idle_timeout: Duration::from_millis(setting("CHAT_IDLE_TIMEOUT_MS", 60_000)?),
        ..Chat::default()
    });
    let host = setting("CHAT_HOST", "127.0.0.1".to_owned())?;
    let port = setting("CHAT_PORT", 4000)?;
    let backlog = setting::<u16>("CHAT_BACKLOG", 4096)?;
    let listener = listen(&host, port, backlog.into())
        .await
        .map_err(|error| format!("cannot listen on {host}:{port}: {error}"))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let accepting = tokio::spawn(accept(listener, chat.clone()));
    terminate.recv().await;
    // The port is a successor's from now on.
    accepting.abort();
    let _ = accepting.await;
    // Who has come, but has not upgraded yet, is sent away at once.
    chat.stopping.cancel();
    chat.connections.close();
    // Who has not gone by then is cut off.
    let _ = timeout(STOP_TIMEOUT, chat.connections.wait()).await;
    Ok(())
}

/// `TcpListener::bind` does the same with a backlog of its own choice.
async fn listen(host: &str, port: u16, backlog: u32) -> io::Result<TcpListener> {
    let mut addresses = lookup_host((host, port)).await?;
    let address = addresses.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

async fn accept(listener: TcpListener, chat: Arc<Chat>) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => drop(tokio::spawn(http::serve(tcp, chat.clone()))),
            // The client has gone again, or no descriptor is free: then some will be soon.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// From the environment. None of the settings may be 0 or empty.
fn setting<T: FromStr + Default + PartialEq>(name: &str, default: T) -> Result<T, String> {
    let Ok(text) = env::var(name) else { return Ok(default) };
    let value = text.parse().ok().filter(|value| *value != T::default());
    value.ok_or_else(|| format!("{name} can't be '{text}'"))
}
