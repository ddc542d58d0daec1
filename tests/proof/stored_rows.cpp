#include "tests/proof/stored_rows.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <rapidjson/document.h>

#include "tests/support/temp_dir.hpp"

namespace nexus::proof {

cli::stored_row row_of(const std::string& payload) {
  rapidjson::Document parsed;
  parsed.Parse(payload.data(), payload.size());
  const auto text = [&](const char* name) {
    if (parsed.HasParseError() || !parsed.IsObject() || !parsed.HasMember(name) ||
        !parsed[name].IsString()) {
      throw std::runtime_error("no payload: " + payload.substr(0, 200));
    }
    return std::string(parsed[name].GetString(), parsed[name].GetStringLength());
  };
  return {text("payload_id"), text("content")};
}

std::vector<cli::stored_row> rows_of_lines(const std::string& path) {
  std::vector<cli::stored_row> rows;
  const std::filesystem::path named(path);
  for (const auto& one : std::filesystem::directory_iterator(named.parent_path())) {
    const std::string name = one.path().filename();
    if (!name.starts_with(named.stem().string()) || !name.ends_with(named.extension().string())) {
      continue;
    }
    std::istringstream lines(test::read_file(one.path()));
    for (std::string line; std::getline(lines, line);) rows.push_back(row_of(line));
  }
  return rows;
}

}  // namespace nexus::proof
