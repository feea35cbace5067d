use std::{convert::Infallible, error::Error, future::ready, process, sync::Arc};

use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{upgrade, Request, Response, StatusCode};
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

fn respond(mut request: Request<Incoming>, chat: &Arc<Chat>) -> Response<String> {
    let headers = request.headers_mut();
    join_lines(headers, header::CONNECTION);
    choose_websocket(headers);
    if lines(headers, &header::HOST) != 1 {
        return answer(StatusCode::BAD_REQUEST, "text/plain", "give one Host".into());
    }
    match request.uri().path() {
        "/ws" => upgrade(request, chat).unwrap_or_else(|error| {
            answer(StatusCode::BAD_REQUEST, "text/plain", error.to_string())
        }),
        "/health" => {
            let (pid, version) = (process::id(), env!("CARGO_PKG_VERSION"));
            let mut health = json!({ "status": "ok", "implementation": "rust", "version": version,
                "pid": pid, "workers": [pid] });
            chat.tell_health(&mut health);
            answer(StatusCode::OK, "application/json", health.to_string())
        }
        _ => answer(StatusCode::NOT_FOUND, "text/plain", "there is /ws and /health".into()),
    }
}

/// A list may come in several lines, of which tungstenite sees the first alone.
fn join_lines(headers: &mut HeaderMap, name: HeaderName) {
    let lines: Vec<_> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() > 1 {
        let joined = lines.join(&b", "[..]);
        headers.insert(name, HeaderValue::from_bytes(&joined).expect("valid lines"));
    }
}

/// A client may offer several protocols. tungstenite knows WebSocket only where it stands alone.
fn choose_websocket(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::UPGRADE).iter().filter_map(|line| line.to_str().ok());
    let mut offers = lines.flat_map(|line| line.split(','));
    if offers.any(|offer| offer.trim().eq_ignore_ascii_case("websocket")) {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
}

fn lines(headers: &HeaderMap, name: &HeaderName) -> usize {
    headers.get_all(name).iter().count()
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
    for name in [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION] {
        if lines(request.headers(), &name) > 1 {
            return Err(format!("give one {name}").into());
        }
    }
    if !request.body().is_end_stream() {
        return Err("an upgrade has no body: what follows it are frames".into());
    }
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
