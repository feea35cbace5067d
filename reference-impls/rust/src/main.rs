//! A chat/1 server with tokio and tokio-tungstenite: one task a connection.

mod chat;
mod connection;
mod http;
mod member;
mod messages;
#[cfg(test)]
mod tests;

use std::{env, error::Error, str::FromStr, sync::Arc, thread, time::Duration};

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::{sleep, timeout};

use chat::Chat;

/// Keeps one of the five seconds that the protocol allows after SIGTERM in reserve.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

fn main() -> Result<(), Box<dyn Error>> {
    let workers = setting("CHAT_WORKERS", thread::available_parallelism()?.get())?;
    let mut builder = runtime::Builder::new_multi_thread();
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
    let listener = TcpListener::bind((host.as_str(), port))
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
