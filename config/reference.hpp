// Values that point elsewhere: keys in the environment or in files, and paths that begin with ~.
#pragma once

#include <string>
#include <string_view>

#include "config/secret.hpp"
#include "core/result.hpp"

namespace nexus::config {

/// The bytes of a file. Error: what the operating system says, with the path.
core::result<std::string> read_text_file(const std::string& path);

/// Whether a reference is neither `env:…` nor `file:…`: then it is the key itself.
bool is_literal(std::string_view reference) noexcept;

/// The key behind a reference (section 4.1 of the v0.1.2 behaviour): `env:NAME` is that variable,
/// empty if it is not set; `file:/path` is the file's contents without the white space around them;
/// anything else is the key itself. Error: the file cannot be read.
core::result<secret> resolve_reference(const std::string& reference);

/// `path` with a leading `~/` replaced by the user's home directory, made absolute from the current
/// directory. Error `bad_config`: `~name`, or a home directory that nobody knows.
core::result<std::string> absolute_path(const std::string& path);

}  // namespace nexus::config
