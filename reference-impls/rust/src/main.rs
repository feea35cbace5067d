//! A chat/1 server with tokio and tokio-tungstenite: one task a connection.

#[cfg(feature = "borrowed")]
mod borrowed;
#[cfg_attr(feature = "cluster", path = "../cluster/chat.rs")]
mod chat;
#[cfg_attr(feature = "tuned", path = "../tuned/connection.rs")]
mod connection;
mod faults;
mod http;
mod member;
mod messages;
#[cfg(feature = "sockets")]
mod sockets;
#[cfg(test)]
mod tests;

use std::time::Duration;
use std::{env, error::Error, future::Future, io, ops::RangeInclusive, sync::Arc, thread};

use listenfd::ListenFd;
use tokio::net::{lookup_host, TcpListener, TcpSocket};
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::{sleep, timeout};

use chat::Chat;

const WORKERS_MAX: u64 = 1_024;
const TIMER_MS_MAX: u64 = u32::MAX as u64;
/// Keeps one of the five seconds that the protocol allows after SIGTERM in reserve.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

fn main() -> Result<(), Box<dyn Error>> {
    let processors = thread::available_parallelism()?.get() as u64;
    let workers = setting("CHAT_WORKERS", processors, 1..=WORKERS_MAX)? as usize;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    #[cfg(feature = "tuned")]
    connection::tune(&mut builder, workers)?;
    #[cfg(feature = "sockets")]
    sockets::configure()?;
    builder.worker_threads(workers).enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let chat = Arc::new(Chat {
        ping_interval: duration("CHAT_PING_INTERVAL_MS", 30_000, TIMER_MS_MAX)?,
        idle_timeout: duration("CHAT_IDLE_TIMEOUT_MS", 60_000, TIMER_MS_MAX)?,
        ..Chat::default()
    });
    let host = env::var("CHAT_HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = setting("CHAT_PORT", 4000, 1..=u16::MAX.into())? as u16;
    let backlog = setting("CHAT_BACKLOG", 4096, 1..=u16::MAX.into())? as u32;
    let listener = listen(&host, port, backlog)
        .await
        .map_err(|error| format!("cannot listen on {host}:{port}: {error}"))?;
    let stop = told_to_stop()?;
    let accepting = tokio::spawn(accept(listener, chat.clone()));
    stop.await;
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

/// By a service manager or by Ctrl-C. From the call on neither ends the process.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// `TcpListener::bind` does the same with a backlog of its own choice. A service manager's socket
/// (sd_listen_fds(3)) is taken instead: a successor gets it, too.
async fn listen(host: &str, port: u16, backlog: u32) -> io::Result<TcpListener> {
    if let Some(passed) = ListenFd::from_env().take_tcp_listener(0)? {
        passed.set_nonblocking(true)?;
        return TcpListener::from_std(passed);
    }
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

fn duration(name: &str, default_ms: u64, most_ms: u64) -> Result<Duration, String> {
    setting(name, default_ms, 1..=most_ms).map(Duration::from_millis)
}

/// A number from the environment, in digits alone: `parse` also takes a sign.
fn setting(name: &str, default: u64, within: RangeInclusive<u64>) -> Result<u64, String> {
    let Some(text) = env::var_os(name) else { return Ok(default) };
    let text = text.to_string_lossy();
    let digits = Some(&text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let value = digits.and_then(|text| text.parse().ok()).filter(|value| within.contains(value));
    value.ok_or_else(|| {
        let (least, most) = within.into_inner();
        format!("{name} is '{text}': give a whole number from {least} to {most}")
    })
}
