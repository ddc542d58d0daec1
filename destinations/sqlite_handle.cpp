#include "destinations/sqlite_handle.hpp"

#include <cstdlib>
#include <utility>

#include <sqlite3.h>

#include "destinations/reason.hpp"
#include "destinations/sqlite_shared_memory.hpp"

namespace nexus::destinations {

namespace {

/// A path as it stands in a URI.
std::string escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '%') {
      out += "%25";
    } else if (c == '?') {
      out += "%3f";
    } else if (c == '#') {
      out += "%23";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

outcome_kind outcome_of_sqlite(int code) noexcept {
  if (code == SQLITE_READONLY_DBMOVED) return outcome_kind::transient;
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return outcome_kind::delivered;
    case SQLITE_ABORT:
    case SQLITE_INTERRUPT:
    case SQLITE_SCHEMA:
      return outcome_kind::transient;
    // The disk or a lock keeps everything out, whatever the entry: however long that lasts, no
    // entry may be failed for it.
    case SQLITE_BUSY:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return outcome_kind::unreachable;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return outcome_kind::permanent;
    default:
      // A file, a schema or a right is wrong, or a code is new to us: nothing is lost by waiting
      // for a person.
      return outcome_kind::config_fault;
  }
}

core::error to_error(const sqlite_fault& fault) {
  const bool mend = fault.kind == outcome_kind::config_fault;
  return {mend ? core::errc::bad_config : core::errc::io_failed, fault.reason};
}

void sqlite_statement::finalizer::operator()(sqlite3_stmt* handle) const noexcept {
  sqlite3_finalize(handle);  // repeats the error of the last step, which has been seen
}

void sqlite_statement::note(int code) {
  if (refused_ == SQLITE_OK) refused_ = code;
}

void sqlite_statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL instead of the empty text.
  const char* data = text.data() == nullptr ? "" : text.data();
  note(sqlite3_bind_text64(handle_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_statement::bind(int index, std::int64_t number) {
  note(sqlite3_bind_int64(handle_.get(), index, number));
}

void sqlite_statement::bind_blob(int index, std::string_view bytes) {
  note(sqlite3_bind_blob64(handle_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC));
}

void sqlite_statement::bind_null(int index) {
  note(sqlite3_bind_null(handle_.get(), index));
}

int sqlite_statement::step() {
  return refused_ == SQLITE_OK ? sqlite3_step(handle_.get()) : refused_;
}

void sqlite_statement::reset() {
  refused_ = SQLITE_OK;
  sqlite3_reset(handle_.get());  // repeats the error of the last step, which has been seen
}

std::string sqlite_statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(handle_.get(), column);
  if (data == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return {reinterpret_cast<const char*>(data), size};
}

std::int64_t sqlite_statement::number(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string sqlite_statement::blob(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  if (data == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return {static_cast<const char*>(data), size};
}

void sqlite_connection::closer::operator()(sqlite3* handle) const noexcept {
  // A statement that is still there would keep the connection, and its locks, open for good.
  if (sqlite3_close(handle) != SQLITE_OK) std::abort();
}

std::optional<sqlite_fault> sqlite_connection::open(sqlite_connection& into,
                                                    const std::string& path, sqlite_access access,
                                                    std::chrono::milliseconds busy_timeout) {
  const bool reads_only = access != sqlite_access::read_write;
  const bool immutable = access == sqlite_access::immutable;
  const int flags = (immutable ? SQLITE_OPEN_URI : 0) |
                    (reads_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  reserve_sqlite_shared_memory();
  sqlite3* handle = nullptr;
  const std::string name = immutable ? "file:" + escaped(path) + "?immutable=1" : path;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  sqlite_connection opened;
  opened.handle_.reset(handle);
  opened.path_ = path;
  if (code != SQLITE_OK) return opened.fault(code, "open the database");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
  if (reads_only) {
    const int kept = sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    if (kept != SQLITE_OK) return opened.fault(kept, "open the database for reading");
  }
  into = std::move(opened);
  return std::nullopt;
}

std::optional<sqlite_fault> sqlite_connection::prepare(sqlite_statement& into,
                                                       const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.c_str(), static_cast<int>(sql.size()) + 1,
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) return fault(code, "prepare a statement");
  into = sqlite_statement(handle);
  return std::nullopt;
}

std::optional<sqlite_fault> sqlite_connection::run(const std::string& sql) {
  std::string ignored;
  return ask(ignored, sql);
}

std::optional<sqlite_fault> sqlite_connection::ask(std::string& answer, const std::string& sql) {
  answer.clear();
  sqlite_statement statement;
  if (auto refused = prepare(statement, sql)) return refused;
  int code = statement.step();
  if (code == SQLITE_ROW) answer = statement.text(0);
  while (code == SQLITE_ROW) code = statement.step();
  if (code != SQLITE_DONE) return fault(code, sql);
  return std::nullopt;
}

sqlite_fault sqlite_connection::fault(int code, std::string_view doing) const {
  // Without a handle SQLite had no memory for one.
  const char* words = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  std::string reason = "SQLite refused to " + std::string(doing) + ": " + words + " (code " +
                       std::to_string(code) + ", file " + path_ + ")";
  return {outcome_of_sqlite(code), one_line(std::move(reason))};
}

bool sqlite_connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

bool sqlite_connection::moved() const noexcept {
  int answer = 0;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &answer);
  return answer != 0;
}

}  // namespace nexus::destinations
