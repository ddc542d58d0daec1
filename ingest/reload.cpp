#include "ingest/reload.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_object.hpp"

namespace nexus::ingest {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    lines.emplace_back(line);
  }
  return lines;
}

http::response report_response(const reload_report& report) {
  http::response answer;
  core::json_object body(answer.body);
  body.text("status", "reloaded");
  core::append_texts(body.start("changes"), report.changes);
  core::append_texts(body.start("notes"), report.notes);
  body.end();
  answer.body += '\n';
  return answer;
}

http::response invalid_response(const core::error& why) {
  http::response answer;
  answer.status = 422;
  core::json_object body(answer.body);
  body.text("error", "config_invalid")
      .text("message", "the configuration is wrong; the old one stays");
  core::json_object details(body.start("details"));
  core::append_texts(details.start("findings"), lines_of(why.text));
  details.end();
  body.end();
  answer.body += '\n';
  return answer;
}

}  // namespace

void handle_reload(const services_ptr& house, http::respond_fn respond) {
  house->out.reload(
      [house, respond = std::move(respond)](const core::result<reload_report>& report) {
        if (report) return respond(report_response(*report));
        if (report.reason().code == core::errc::bad_config)
          return respond(invalid_response(report.reason()));
        respond(refuse(*house, "reload", report.reason()));
      });
}

}  // namespace nexus::ingest
