#include "core/log.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

#include "core/json_text.hpp"
#include "core/timestamp.hpp"

namespace nexus::core {
namespace {

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
    case log_level::debug:
      return spdlog::level::debug;
    case log_level::info:
      return spdlog::level::info;
    case log_level::warn:
      return spdlog::level::warn;
    case log_level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* name_of(log_level level) {
  switch (level) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
  }
  return "info";
}

class spdlog_logger final : public logger {
 public:
  spdlog_logger(spdlog::sink_ptr sink, log_level level, log_format format)
      : out_("nexus", std::move(sink)), format_(format) {
    out_.set_pattern(format == log_format::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %^%-5l%$ %v",
                     spdlog::pattern_time_type::utc);
    out_.flush_on(spdlog::level::debug);
    set_level(level);
  }

  void write(log_level level, std::string_view text) override {
    if (!out_.should_log(to_spdlog(level))) return;
    if (format_ == log_format::text)
      out_.log(to_spdlog(level), "{}", text);
    else
      out_.log(to_spdlog(level), "{}", as_json(level, text));
  }

  void set_level(log_level level) override { out_.set_level(to_spdlog(level)); }

 private:
  static std::string as_json(log_level level, std::string_view text) {
    std::string line = R"({"time":")" + format_timestamp(now()) + R"(","level":")" +
                       name_of(level) + R"(","msg":)";
    json::append_quoted(line, text);
    return line + "}";
  }

  spdlog::logger out_;
  log_format format_;
};

}  // namespace

logger_ptr make_stderr_logger(log_level level, log_format format) {
  return std::make_shared<spdlog_logger>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>(),
                                         level, format);
}

logger_ptr make_null_logger() {
  return std::make_shared<spdlog_logger>(std::make_shared<spdlog::sinks::null_sink_mt>(),
                                         log_level::error, log_format::text);
}

}  // namespace nexus::core
