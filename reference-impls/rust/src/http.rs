use std::{convert::Infallible, error::Error, future::ready, process, sync::Arc};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{body::Incoming, header, upgrade, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use uuid::Uuid;

use crate::{chat::Chat, connection, messages::is_name};

pub async fn serve(tcp: TcpStream, chat: Arc<Chat>) {
    let service = service_fn(|request| ready(Ok::<_, Infallible>(respond(request, &chat))));
    let mut http = http1::Builder::new();
    // Room for a request's head.
    http.timer(TokioTimer::new()).max_buf_size(16_384);
    // What fails here concerns this client alone, and it knows.
    let _ = http.serve_connection(TokioIo::new(tcp), service).with_upgrades().await;
}

fn respond(request: Request<Incoming>, chat: &Arc<Chat>) -> Response<String> {
    match request.uri().path() {
        "/ws" => upgrade(request, chat).unwrap_or_else(|error| {
            answer(StatusCode::BAD_REQUEST, "text/plain", error.to_string())
        }),
        "/health" => {
            let (pid, version) = (process::id(), env!("CARGO_PKG_VERSION"));
            let health = json!({
                "status": "ok", "implementation": "rust", "version": version,
                "pid": pid, "workers": [pid],
            });
            answer(StatusCode::OK, "application/json", health.to_string())
        }
        _ => answer(StatusCode::NOT_FOUND, "text/plain", "there is /ws and /health".into()),
    }
}

fn answer(status: StatusCode, kind: &str, body: String) -> Response<String> {
    let builder = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    builder.body(body).expect("a content type is a valid header")
}

fn upgrade(
    mut request: Request<Incoming>,
    chat: &Arc<Chat>,
) -> Result<Response<String>, Box<dyn Error>> {
    let user = user_of(request.uri().query().unwrap_or_default())
        .ok_or("user: give 1 to 64 bytes of UTF-8 without control characters")?;
    let upgraded = upgrade::on(&mut request);
    let response = create_response(&request.map(drop))?.map(|()| String::new());
    let serving = chat.clone();
    chat.connections.spawn(async move {
        // It fails only if the client went away in between.
        let Ok(upgraded) = upgraded.await else { return };
        let parts = upgraded.downcast::<TokioIo<TcpStream>>().expect("what hyper was given");
        connection::serve(parts.io.into_inner(), parts.read_buf.into(), user, serving).await;
    });
    Ok(response)
}

/// The first user in a query, or a random one; none if it is not a name.
pub fn user_of(query: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let user = pairs.find(|(key, _)| *key == "user").unwrap_or_default().1.replace('+', " ");
    if user.is_empty() {
        return Some(Uuid::new_v4().to_string());
    }
    let user = percent_decode_str(&user).decode_utf8().ok()?;
    is_name(&user).then(|| user.into_owned())
}
