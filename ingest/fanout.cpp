#include "ingest/fanout.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "ingest/payload.hpp"

namespace nexus::ingest {
namespace {

constexpr std::string_view member_name = "\"fanout\"";

/// How many entries its write has.
std::size_t fanout_of(const core::entry& value) {
  std::size_t count = 1;
  core::for_each_extension(value, [&count](const core::json::member& item) {
    if (item.key != member_name) return;
    std::from_chars(item.value.data(), item.value.data() + item.value.size(), count);
  });
  return count;
}

}  // namespace

std::vector<core::entry_ptr> make_entries(std::shared_ptr<core::entry> common,
                                          const std::vector<std::string>& destinations) {
  std::vector<core::entry_ptr> entries;
  entries.reserve(destinations.size());
  if (destinations.size() > 1) {
    ((common->extension += ',') += member_name) += ':' + std::to_string(destinations.size());
  }
  common->destination = destinations.front();
  entries.push_back(common);
  for (std::size_t i = 1; i < destinations.size(); ++i) {
    auto entry = std::make_shared<core::entry>(*common);
    entry->payload = with_destination(common->payload, destinations[i]);
    entry->destination = destinations[i];
    entries.push_back(std::move(entry));
  }
  return entries;
}

bool whole_writes::add(const core::entry& value) {
  if (payload_id_ != value.payload_id) {
    payload_id_ = value.payload_id;
    destinations_.clear();
  }
  auto& seen = destinations_;
  if (std::find(seen.begin(), seen.end(), value.destination) == seen.end()) {
    seen.push_back(value.destination);
  }
  return seen.size() == fanout_of(value);
}

}  // namespace nexus::ingest
