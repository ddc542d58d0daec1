#include "destinations/jsonl_lines.hpp"

#include "core/json_text.hpp"

namespace nexus::destinations {

namespace json = core::json;

std::string payload_id_of(std::string_view line) {
  std::string id;
  const auto read = json::for_each_member(line, [&](const json::member& member) {
    if (member.key == "\"payload_id\"" && json::kind_of(member.value) == json::kind::string) {
      id = json::unquote(member.value);
    }
    return core::result<void>();
  });
  return read ? id : std::string();
}

core::result<std::uint64_t> for_each_line(const core::file& from, std::uint64_t begin,
                                          const std::function<void(std::string_view)>& visit) {
  constexpr std::size_t step = 256 * 1024;
  // One byte earlier, so that a line that begins exactly at `begin` is seen as whole.
  bool in_middle = begin > 0;
  std::uint64_t offset = in_middle ? begin - 1 : 0, end = begin;
  std::string part;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t kept = part.size();
    part.resize(kept + step);
    auto got = from.read_at(offset, {part.data() + kept, step});
    if (!got) return std::move(got).reason();
    part.resize(kept + *got);
    offset += *got;
    std::size_t line = 0;
    for (auto newline = part.find('\n', searched); newline != std::string::npos;
         newline = part.find('\n', line)) {
      if (!in_middle) visit(std::string_view(part).substr(line, newline - line));
      in_middle = false;
      line = newline + 1;
      end = offset - part.size() + line;
    }
    part.erase(0, line);
    searched = part.size();
    if (*got < step) return end;
  }
}

}  // namespace nexus::destinations
