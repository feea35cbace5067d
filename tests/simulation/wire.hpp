#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// The simulation's own reading of RFC 6455, RFC 3629 and RFC 8259: it shares no code with the core,
// so that a fault of the one does not hide in the other.
namespace simulation {

bool valid_utf8(std::string_view text);

enum class utf8_state { whole, unfinished, broken };
// Whether `text` is UTF-8, or could become it by further bytes.
utf8_state check_utf8(std::string_view text);

// chat/1 rule N1. `text` is UTF-8.
bool valid_name(std::string_view text);

// Whether it is a UUID of version 4 in lower-case hex (chat/1 rule H5).
bool is_uuid4(std::string_view name);

// `text` as JSON text between quotes.
std::string escape_json(std::string_view text);

// A client's frame, masked with `key`. `first` is the first byte: FIN, reserved bits, opcode.
std::string client_frame(std::uint8_t first, std::string_view payload,
                         std::array<unsigned char, 4> key);

void apply_mask(std::string& payload, const std::array<unsigned char, 4>& key);

// Codes that RFC 6455 and its registry let an endpoint send; `unsure` ones are not assigned.
enum class code_kind { valid, unsure, invalid };
code_kind kind_of_close(std::uint16_t code);

// The key that every client of the simulation offers, and what a server answers to it (RFC 6455
// section 1.3).
inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

}  // namespace simulation
