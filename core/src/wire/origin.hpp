#pragma once

#include <string_view>

namespace chinwag {

// Which web pages may open a connection (RFC 6454; RFC 6455, 10.2). Browsers name the page's origin
// in every upgrade; what is no browser names none.
//
// A list holds origins such as https://chat.example or http://127.0.0.1:8080 with commas between
// them, `null`, `same-host` for pages that came from the host that is asked, and `*` for all.
bool is_origin_list(std::string_view allowed);

// Whether `allowed` has the origin of a request whose Host field is `host`. A scheme and a host
// compare without regard to case, and a scheme's own port is as good as none.
bool allows_origin(std::string_view allowed, std::string_view origin, std::string_view host);

}  // namespace chinwag
