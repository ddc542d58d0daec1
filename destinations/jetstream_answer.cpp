#include "destinations/jetstream_answer.hpp"

#include <charconv>

#include "core/json_text.hpp"

namespace nexus::destinations {

namespace {

namespace json = core::json;

struct api_error {
  std::uint32_t code = 0;      ///< as in HTTP
  std::uint32_t err_code = 0;  ///< the exact reason
  std::string description;
};

struct publish_answer {
  std::string stream;
  std::uint64_t sequence = 0;
  std::optional<api_error> error;
};

template <class Number>
Number number_of(std::string_view raw) {
  Number value = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), value);
  return value;
}

api_error error_of(std::string_view raw) {
  api_error error;
  if (json::kind_of(raw) != json::kind::object) return error;
  json::members each(raw);
  while (const auto* item = each.next()) {
    if (item->key == "\"code\"") error.code = number_of<std::uint32_t>(item->value);
    if (item->key == "\"err_code\"") error.err_code = number_of<std::uint32_t>(item->value);
    if (item->key == "\"description\"" && json::kind_of(item->value) == json::kind::string) {
      error.description = json::unquote(item->value);
    }
  }
  return error;
}

std::optional<publish_answer> parse(std::string_view text) {
  publish_answer answer;
  const auto read = json::for_each_member(text, [&](const json::member& one) {
    if (one.key == "\"stream\"" && json::kind_of(one.value) == json::kind::string) {
      answer.stream = json::unquote(one.value);
    }
    if (one.key == "\"seq\"") answer.sequence = number_of<std::uint64_t>(one.value);
    if (one.key == "\"error\"") answer.error = error_of(one.value);
    return core::result<void>{};
  });
  if (!read) return std::nullopt;
  return answer;
}

outcome_kind kind_of_error(std::uint32_t code, std::uint32_t http_code) {
  switch (code) {
    case message_too_large:
      return outcome_kind::permanent;
    case not_enabled_for_account:
    case not_enabled:
    case stream_not_found:
    case stream_not_match:
    case stream_sealed:
      return outcome_kind::config_fault;
    case resources_exceeded:
    case no_suitable_peers:
    case system_unavailable:
    case not_leader:
    case insufficient_resources:
    case streams_limit:
    case memory_exceeded:
    case storage_exceeded:
    case store_failed:
    case stream_offline:
    case duplicate_in_process:
    case too_many_requests:
      return outcome_kind::unreachable;
    default:
      break;
  }
  if (http_code == 503 || http_code == 429) return outcome_kind::unreachable;
  if (http_code == 401 || http_code == 403) return outcome_kind::config_fault;
  return outcome_kind::transient;
}

bool asks_to_try_again(std::uint32_t code) {
  return code == system_unavailable || code == not_leader || code == duplicate_in_process ||
         code == too_many_requests;
}

}  // namespace

outcome outcome_of_error(std::uint32_t code, std::uint32_t http_code, std::string_view text) {
  std::string reason = "JetStream: ";
  reason += text.empty() ? "unknown error" : text;
  return {kind_of_error(code, http_code), reason + " (" + std::to_string(code) + ')', {}};
}

std::optional<outcome> read_answer(std::string_view text, std::string_view stream) {
  const auto answer = parse(text);
  if (!answer) {
    return outcome{outcome_kind::transient, "the answer to a published message is not JSON", {}};
  }
  if (const auto& error = answer->error) {
    if (asks_to_try_again(error->err_code)) return std::nullopt;
    return outcome_of_error(error->err_code, error->code, error->description);
  }
  if (answer->stream != stream) {
    return outcome{outcome_kind::config_fault,
                   "stream \"" + answer->stream + "\" took the message, which is for \"" +
                       std::string(stream) + '"',
                   {}};
  }
  if (answer->sequence == 0) return std::nullopt;
  return outcome{};
}

}  // namespace nexus::destinations
