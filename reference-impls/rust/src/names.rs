use percent_encoding::percent_decode_str;
use uuid::Uuid;

pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// The first user in a query, or a random one; none if it is not a name.
pub fn user_of(query: &str) -> Option<String> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().ok().map(String::from)
    };
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut users = pairs.filter(|(key, _)| decode(key).as_deref() == Some("user"));
    match users.next() {
        None | Some((_, "")) => Some(Uuid::new_v4().to_string()),
        Some((_, user)) => decode(user).filter(|user| is_name(user)),
    }
}

#[cfg(test)]
mod tests;
