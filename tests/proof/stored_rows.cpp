#include "tests/proof/stored_rows.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <rapidjson/document.h>

#include "tests/support/temp_dir.hpp"

namespace nexus::proof {

std::string text_of(const std::string& payload, const char* member) {
  rapidjson::Document parsed;
  parsed.Parse(payload.data(), payload.size());
  if (parsed.HasParseError() || !parsed.IsObject() || !parsed.HasMember(member) ||
      !parsed[member].IsString()) {
    throw std::runtime_error(std::string("no ") + member + ": " + payload.substr(0, 200));
  }
  return {parsed[member].GetString(), parsed[member].GetStringLength()};
}

cli::stored_row row_of(const std::string& payload) {
  return {text_of(payload, "payload_id"), text_of(payload, "content")};
}

std::vector<std::string> payloads_of_lines(const std::string& path) {
  std::vector<std::string> payloads;
  const std::filesystem::path named(path);
  for (const auto& one : std::filesystem::directory_iterator(named.parent_path())) {
    const std::string name = one.path().filename();
    if (!name.starts_with(named.stem().string()) || !name.ends_with(named.extension().string())) {
      continue;
    }
    std::istringstream lines(test::read_file(one.path()));
    for (std::string line; std::getline(lines, line);) payloads.push_back(line);
  }
  return payloads;
}

std::vector<cli::stored_row> rows_of_lines(const std::string& path) {
  std::vector<cli::stored_row> rows;
  for (const auto& payload : payloads_of_lines(path)) rows.push_back(row_of(payload));
  return rows;
}

}  // namespace nexus::proof
