//! A chat/1 server with tokio and tokio-tungstenite: one task a connection.

mod connection;
mod http;
mod hub;
mod messages;
mod names;
mod outbox;
mod requests;
mod settings;
mod transport;

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use settings::Settings;
use tokio::{net::TcpListener, runtime, select, signal::unix, time};

/// Keeps one of the five seconds that the protocol allows after SIGTERM in reserve.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("rust: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let mut builder = runtime::Builder::new_multi_thread();
    if let Some(workers) = settings.workers {
        builder.worker_threads(workers);
    }
    let runtime = builder.enable_all().build().map_err(|e| format!("cannot start threads: {e}"))?;
    let outcome = runtime.block_on(listen(settings));
    runtime.shutdown_background();
    outcome
}

async fn listen(settings: Settings) -> Result<(), String> {
    let address = (settings.host.as_str(), settings.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| format!("cannot listen on {}:{}: {e}", settings.host, settings.port))?;
    let signal = |kind| unix::signal(kind).map_err(|e| format!("cannot watch for signals: {e}"));
    let mut terminate = signal(unix::SignalKind::terminate())?;
    let mut interrupt = signal(unix::SignalKind::interrupt())?;
    let chat = Arc::new(http::Chat::new(settings));
    select! {
        () = accept(&listener, &chat) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(listener);
    chat.hub.stop();
    chat.connections.close();
    // Who has not gone by then is cut off.
    let _ = time::timeout(STOP_TIMEOUT, chat.connections.wait()).await;
    Ok(())
}

async fn accept(listener: &TcpListener, chat: &Arc<http::Chat>) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => drop(tokio::spawn(http::serve(tcp, chat.clone()))),
            // The client has gone again, or no descriptor is free: then some will be soon.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => time::sleep(Duration::from_millis(100)).await,
        }
    }
}
