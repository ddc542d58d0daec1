#include "wal/failure_note.hpp"

#include "core/json_text.hpp"

namespace nexus::wal {

namespace json = core::json;

namespace {

constexpr std::string_view at_key = "\"failed_at\"";
constexpr std::string_view reason_key = "\"failure_reason\"";

}  // namespace

void add_failure_note(core::entry& to, const failure_note& note) {
  auto add = [&](std::string_view key, std::string_view value) {
    ((to.extension += ',') += key) += ':';
    json::append_quoted(to.extension, value);
  };
  add(at_key, note.at);
  add(reason_key, note.reason);
}

std::optional<failure_note> take_failure_note(core::entry& from) {
  if (from.extension.find(at_key) == std::string::npos) return {};
  std::optional<failure_note> note;
  std::string others;
  core::for_each_extension(from, [&](const json::member& item) {
    const bool is_note = (item.key == at_key || item.key == reason_key) &&
                         json::kind_of(item.value) == json::kind::string;
    if (!is_note) {
      (((others += ',') += item.key) += ':') += item.value;
      return;
    }
    if (!note) note.emplace();
    (item.key == at_key ? note->at : note->reason) = json::unquote(item.value);
  });
  if (note) from.extension = std::move(others);
  return note;
}

}  // namespace nexus::wal
