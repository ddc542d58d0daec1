// Values that point elsewhere: keys in the environment or in files, and paths that begin with ~.
#pragma once

#include <string>
#include <string_view>

#include "config/secret.hpp"
#include "core/path.hpp"
#include "core/result.hpp"

namespace nexus::config {

/// The bytes of a file. Error: what the operating system says, with the path.
core::result<std::string> read_text_file(const std::string& path);

/// Whether a reference is neither `env:…` nor `file:…`: then it is the key itself.
bool is_literal(std::string_view reference) noexcept;

/// What a reference leads to, byte for byte: `env:NAME` is that variable, empty if it is not set;
/// `file:/path` is the file's contents; anything else is the reference itself. Error: the file
/// cannot be read.
core::result<std::string> read_reference(const std::string& reference);

/// The key behind a reference (section 4.1 of the v0.1.2 behaviour): as read_reference, but without
/// the white space around a file's contents.
core::result<secret> resolve_reference(const std::string& reference);

using core::absolute_path;

}  // namespace nexus::config
