#include "destinations/sqlite_schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <map>
#include <sstream>

#include "core/file.hpp"
#include "destinations/memory_record.hpp"
#include "destinations/os_outcome.hpp"

namespace nexus::destinations {

namespace {

constexpr const char* create_table = R"(CREATE TABLE IF NOT EXISTS memories (
  payload_id        TEXT PRIMARY KEY,
  request_id        TEXT NOT NULL DEFAULT '',
  source            TEXT NOT NULL DEFAULT '',
  subject           TEXT NOT NULL DEFAULT '',
  namespace         TEXT NOT NULL DEFAULT '',
  destination       TEXT NOT NULL DEFAULT '',
  collection        TEXT NOT NULL DEFAULT '',
  content           TEXT NOT NULL DEFAULT '',
  model             TEXT NOT NULL DEFAULT '',
  role              TEXT NOT NULL DEFAULT '',
  timestamp         TEXT NOT NULL DEFAULT '',
  idempotency_key   TEXT NOT NULL DEFAULT '',
  schema_version    INTEGER NOT NULL DEFAULT 0,
  transform_version TEXT NOT NULL DEFAULT '',
  actor_type        TEXT NOT NULL DEFAULT '',
  actor_id          TEXT NOT NULL DEFAULT '',
  metadata          TEXT NOT NULL DEFAULT '{}',
  created_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
))";

/// Columns that came later: a database of an early version lacks them.
struct later_column {
  const char* name;
  const char* definition;
};
constexpr std::array<later_column, 3> later_columns{{
    {"embedding", "BLOB"},
    {"sensitivity_labels", "TEXT NOT NULL DEFAULT ''"},
    {"classification_tier", "TEXT NOT NULL DEFAULT 'public'"},
}};

constexpr std::array<const char*, 4> create_indexes{{
    "CREATE INDEX IF NOT EXISTS idx_memories_idempotency_key ON memories(idempotency_key)",
    "CREATE INDEX IF NOT EXISTS idx_memories_classification ON memories(classification_tier)",
    "CREATE INDEX IF NOT EXISTS idx_memories_query"
    " ON memories(namespace, destination, timestamp DESC)",
    "CREATE INDEX IF NOT EXISTS idx_memories_subject ON memories(subject, timestamp DESC)",
}};

sqlite_fault os_fault(int number, const std::string& doing) {
  return {outcome_of_os(number), core::os_error(number, "cannot " + doing).text};
}

/// Creates what is missing of `path` with mode 0700 and makes the new names survive a power cut.
/// Directories that are there keep their mode: the database may stand in one that others use, too.
std::optional<sqlite_fault> make_directories(const std::filesystem::path& path) {
  std::error_code unknown;
  if (path.empty() || std::filesystem::is_directory(path, unknown)) return std::nullopt;
  if (auto refused = make_directories(path.parent_path())) return refused;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return os_fault(errno, "create the directory " + path.string());
  }
  const std::string parent = path.parent_path().string();
  if (auto synced = core::posix_files().sync_directory(parent); !synced) {
    return sqlite_fault{outcome_kind::unreachable, synced.reason().text};
  }
  return std::nullopt;
}

/// SQLite itself would create the file by the umask. -wal and -shm inherit the mode of the
/// database. A file that is there is never opened here: closing it would drop the locks that other
/// connections of this process hold on it.
std::optional<sqlite_fault> make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return std::nullopt;
  }
  if (errno != EEXIST) return os_fault(errno, "create the database " + path);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const int refused = ::chmod((path + suffix).c_str(), 0600);
    // EPERM: somebody else's file; whether it can be written shows when it is opened.
    if (refused != 0 && errno != ENOENT && errno != EPERM) {
      return os_fault(errno, "restrict the mode of " + path + suffix);
    }
  }
  return std::nullopt;
}

std::optional<sqlite_fault> set_journal(sqlite_connection& connection) {
  std::string mode;
  if (auto refused = connection.ask(mode, "PRAGMA journal_mode=WAL")) return refused;
  if (mode != "wal") {
    return sqlite_fault{outcome_kind::config_fault,
                        "SQLite keeps the journal mode " + mode +
                            " instead of wal; put the database on a local file system"};
  }
  // In WAL mode nothing less than FULL syncs each commit.
  return connection.run("PRAGMA synchronous=FULL");
}

std::optional<sqlite_fault> create_schema(sqlite_connection& connection) {
  if (auto refused = connection.run("BEGIN IMMEDIATE")) return refused;
  if (auto refused = connection.run(create_table)) return refused;
  for (const auto& column : later_columns) {
    const std::string name = column.name;
    std::string present;
    auto refused = connection.ask(
        present, "SELECT name FROM pragma_table_info('memories') WHERE name = '" + name + "'");
    if (!refused && present.empty()) {
      refused = connection.run("ALTER TABLE memories ADD COLUMN " + name + " " + column.definition);
    }
    if (refused) return refused;
  }
  for (const char* index : create_indexes) {
    if (auto refused = connection.run(index)) return refused;
  }
  return connection.run("COMMIT");
}

/// Whether what is missing of `path` could be created.
std::optional<sqlite_fault> check_parents(const std::filesystem::path& path) {
  std::filesystem::path nearest = path.parent_path();
  struct stat status {};
  while (::stat(nearest.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR)
      return os_fault(errno, "look at the directory " + nearest.string());
    nearest = nearest.parent_path();
  }
  const std::string doing = "create " + path.string() + " below " + nearest.string();
  if (!S_ISDIR(status.st_mode)) return os_fault(ENOTDIR, doing);
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) return os_fault(errno, doing);
  return std::nullopt;
}

/// Size of a file; 0 also where there is none.
std::uint64_t size_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool is_later(const std::string& column) {
  return std::any_of(later_columns.begin(), later_columns.end(),
                     [&](const later_column& one) { return column == one.name; });
}

/// Whether the table, if there is one, can take what we write.
std::optional<sqlite_fault> check_schema(sqlite_connection& in, const std::string& path) {
  std::string kind;
  if (auto refused = in.ask(kind, "SELECT type FROM sqlite_schema WHERE name = 'memories'"))
    return refused;
  if (kind.empty()) return std::nullopt;
  std::string present;
  if (auto refused =
          in.ask(present,
                 "SELECT group_concat(',' || name || ',', '') FROM pragma_table_info('memories')"))
    return refused;
  std::string lacking;
  bool complete = true;
  std::istringstream wanted(memory_columns());
  for (std::string name; wanted >> name;) {
    if (name.ends_with(',')) name.pop_back();
    if (present.find(',' + name + ',') != std::string::npos) continue;
    complete = false;
    if (!is_later(name)) lacking += (lacking.empty() ? "" : ", ") + name;
  }
  if (!lacking.empty())
    return sqlite_fault{outcome_kind::config_fault,
                        path + ": its table memories lacks " + lacking +
                            "; it is not one of ours: name another db_path"};
  if (!complete) return std::nullopt;  // the later columns are added by open_store
  sqlite_statement insert;
  return in.prepare(insert, insert_statement());
}

}  // namespace

const std::string& memory_columns() {
  static const std::string columns = [] {
    std::string list;
    for (const auto& field : fields_before_version) list.append(field.name).append(", ");
    list += "schema_version, ";
    for (const auto& field : fields_after_version) list.append(field.name).append(", ");
    return list + "embedding, metadata, sensitivity_labels, classification_tier";
  }();
  return columns;
}

std::string insert_statement() {
  std::string sql = "INSERT INTO memories (" + memory_columns() + ") VALUES (?";
  for (const char c : memory_columns()) {
    if (c == ',') sql += ",?";
  }
  return sql + ") ON CONFLICT(payload_id) DO NOTHING";
}

sqlite_options resolved(sqlite_options options) {
  std::error_code unresolved;
  const auto path = std::filesystem::absolute(options.db_path, unresolved);
  if (!unresolved) options.db_path = path.string();
  return options;
}

std::optional<sqlite_fault> open_store(sqlite_connection& into, const sqlite_options& options) {
  const std::filesystem::path path = options.db_path;
  if (auto refused = make_directories(path.parent_path())) return refused;
  if (auto refused = make_file(path.string())) return refused;
  sqlite_connection opened;
  if (auto refused = sqlite_connection::open(opened, path.string(), sqlite_access::read_write,
                                             options.busy_timeout)) {
    return refused;
  }
  if (auto refused = set_journal(opened)) return refused;
  if (auto refused = create_schema(opened)) return refused;
  into = std::move(opened);
  return std::nullopt;
}

std::optional<sqlite_fault> open_for_a_look(sqlite_connection& into,
                                            const sqlite_options& options) {
  const std::string& path = options.db_path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return os_fault(errno, "look at the database " + path);
  }
  if (S_ISDIR(status.st_mode)) return os_fault(EISDIR, "open the database " + path);
  // With something in a side file the database alone is not all of it.
  const bool is_whole = size_of(path + "-wal") == 0 && size_of(path + "-journal") == 0;
  return sqlite_connection::open(into, path,
                                 is_whole ? sqlite_access::immutable : sqlite_access::read_only,
                                 options.busy_timeout);
}

std::optional<sqlite_fault> check_store(const sqlite_options& options) {
  const std::string& path = options.db_path;
  sqlite_connection opened;
  if (auto refused = open_for_a_look(opened, options)) return refused;
  if (!opened) return check_parents(path);
  if (auto refused = check_schema(opened, path)) return refused;
  if (::access(path.c_str(), R_OK | W_OK) != 0) return os_fault(errno, "write to " + path);
  // SQLite puts files of its own beside it.
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (::access(parent.c_str(), W_OK | X_OK) != 0) return os_fault(errno, "write in " + parent);
  return std::nullopt;
}

std::shared_ptr<std::mutex> write_turn(const std::string& path) {
  static std::mutex guard;
  static std::map<std::string, std::weak_ptr<std::mutex>> turns;
  std::error_code unresolved;
  auto key = std::filesystem::weakly_canonical(path, unresolved).string();
  if (unresolved) key = path;
  const std::lock_guard lock(guard);
  auto turn = turns[key].lock();
  if (!turn) turns[key] = turn = std::make_shared<std::mutex>();
  return turn;
}

}  // namespace nexus::destinations
