#pragma once

#include <App.h>

#include <optional>
#include <string>

/// Whether it is worth an answer: not if nobody can tell where it ends, or if it is huge.
bool answerable(uWS::HttpRequest& request);

/// One Host, and no second value where one counts: uWebSockets takes the first.
bool has_one_host(uWS::HttpRequest& request);

/// uWebSockets itself asks for a key of 24 characters only.
bool is_upgrade(uWS::HttpRequest& request);

/// The user that the query names, a random one if it names none, nothing if the name is none.
std::optional<std::string> user_of(uWS::HttpRequest& request);
