use std::{convert::Infallible, process, sync::Arc};

use hyper::{
    body::Incoming, header, server::conn::http1, service::service_fn, upgrade, Request, Response,
    StatusCode,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tokio_util::task::TaskTracker;

use crate::{connection, hub::Hub, names, settings::Settings};

/// What all connections share.
pub struct Chat {
    pub hub: Hub,
    pub settings: Settings,
    pub connections: TaskTracker,
}

impl Chat {
    pub fn new(settings: Settings) -> Self {
        Self { hub: Hub::default(), settings, connections: TaskTracker::new() }
    }
}

pub async fn serve(tcp: TcpStream, chat: Arc<Chat>) {
    let service = service_fn(|request| {
        let response = respond(request, &chat);
        async { Ok::<_, Infallible>(response) }
    });
    let http =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(tcp), service);
    // What fails here concerns this client alone, and it knows.
    let _ = http.with_upgrades().await;
}

fn respond(request: Request<Incoming>, chat: &Arc<Chat>) -> Response<String> {
    match request.uri().path() {
        "/ws" => upgrade(request, chat),
        "/health" => health(),
        _ => answer(StatusCode::NOT_FOUND, "text/plain", "there is /ws and /health".into()),
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

fn health() -> Response<String> {
    let pid = process::id();
    let body = serde_json::json!({
        "status": "ok", "implementation": "rust", "version": env!("CARGO_PKG_VERSION"),
        "pid": pid, "workers": [pid],
    });
    answer(StatusCode::OK, "application/json", body.to_string())
}

fn upgrade(mut request: Request<Incoming>, chat: &Arc<Chat>) -> Response<String> {
    let Some(user) = names::user_of(request.uri().query().unwrap_or_default()) else {
        let reason = "user: give 1 to 64 bytes of UTF-8 without control characters";
        return answer(StatusCode::BAD_REQUEST, "text/plain", reason.into());
    };
    let upgraded = upgrade::on(&mut request);
    let response = match create_response(&request.map(drop)) {
        Ok(response) => response.map(|()| String::new()),
        Err(error) => return answer(StatusCode::BAD_REQUEST, "text/plain", error.to_string()),
    };
    let serving = chat.clone();
    chat.connections.spawn(async move {
        // It fails only if the client went away in between.
        let Ok(upgraded) = upgraded.await else { return };
        if let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() {
            connection::serve(parts.io.into_inner(), parts.read_buf.into(), user, &serving).await;
        }
    });
    response
}
