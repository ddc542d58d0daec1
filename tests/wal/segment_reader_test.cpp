#include "wal/segment_reader.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::wal;
using namespace std::string_literals;

namespace {

/// A file in memory, with `zeros` NUL bytes after its text.
class memory_file final : public core::file {
 public:
  explicit memory_file(std::string text, std::uint64_t zeros = 0)
      : text_(std::move(text)), zeros_(zeros) {}

  core::result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    if (broken_at && offset + into.size() > *broken_at) return core::os_error(5, "read");
    auto end = std::min<std::uint64_t>(text_.size() + zeros_, offset + into.size());
    if (offset >= end) return std::size_t{0};
    auto count = static_cast<std::size_t>(end - offset);
    std::fill_n(into.begin(), count, '\0');
    if (offset < text_.size())
      std::copy_n(text_.data() + offset, std::min<std::size_t>(count, text_.size() - offset),
                  into.begin());
    largest_read = std::max(largest_read, into.size());
    return count;
  }
  core::result<void> write_at(std::uint64_t, std::span<const std::string_view>) override {
    std::abort();
  }
  core::result<void> sync() override { std::abort(); }
  core::result<void> allocate(std::uint64_t) override { std::abort(); }
  core::result<void> truncate(std::uint64_t) override { std::abort(); }
  core::result<void> check_in_place() const override { return {}; }
  core::result<std::uint64_t> size() const override { return text_.size() + zeros_; }

  std::optional<std::uint64_t> broken_at;
  mutable std::size_t largest_read = 0;

 private:
  std::string text_;
  std::uint64_t zeros_;
};

struct line {
  std::string text;
  std::uint64_t offset, number;
  bool terminated, too_long;
  bool operator==(const line&) const = default;
};

std::vector<line> lines_of(const memory_file& source) {
  std::vector<line> lines;
  segment_reader reader(source, *source.size());
  for (;;) {
    auto next = reader.next();
    REQUIRE(next.ok());
    if (!*next) return lines;
    lines.push_back({std::string((*next)->text), (*next)->offset, (*next)->number,
                     (*next)->terminated, (*next)->too_long});
  }
}

}  // namespace

TEST_CASE("lines come with their places, and only the last may lack its newline") {
  CHECK(lines_of(memory_file("")).empty());
  CHECK(lines_of(memory_file("a\nbb\n")) ==
        std::vector<line>{{"a", 0, 1, true, false}, {"bb", 2, 2, true, false}});
  CHECK(lines_of(memory_file("a\n\nb\r\nc")) == std::vector<line>{{"a", 0, 1, true, false},
                                                                  {"", 2, 2, true, false},
                                                                  {"b\r", 3, 3, true, false},
                                                                  {"c", 6, 4, false, false}});
}

TEST_CASE("NUL bytes at the end are unused space, and before a line they are skipped") {
  CHECK(lines_of(memory_file("", 100)).empty());
  CHECK(lines_of(memory_file("a\n", 100)) == std::vector<line>{{"a", 0, 1, true, false}});
  CHECK(lines_of(memory_file("a\nb", 100)) ==
        std::vector<line>{{"a", 0, 1, true, false}, {"b", 2, 2, false, false}});
  CHECK(lines_of(memory_file("a\n\0\0\0b\n"s)) ==
        std::vector<line>{{"a", 0, 1, true, false}, {"b", 5, 2, true, false}});
  CHECK(lines_of(memory_file("a\nb\0c\n"s))[1].text == "b\0c"s);
}

TEST_CASE("a line may lie across buffers in every way") {
  constexpr std::size_t buffer = 1 << 20;
  for (std::size_t first :
       {buffer - 2, buffer - 1, buffer, buffer + 1, 2 * buffer - 1, 3 * buffer + 7}) {
    std::string one(first, 'x'), two(buffer / 3, 'y');
    INFO("first line of " << first);
    auto lines = lines_of(memory_file(one + "\n" + two + "\nz\n"));
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == line{one, 0, 1, true, false});
    CHECK(lines[1] == line{two, first + 1, 2, true, false});
    CHECK(lines[2] == line{"z", first + two.size() + 2, 3, true, false});
  }
}

TEST_CASE("many short lines around the end of the buffer all come through") {
  std::string text;
  std::size_t count = 0;
  while (text.size() < (2 << 20)) text += std::to_string(count++) + "\n";
  auto lines = lines_of(memory_file(text));
  REQUIRE(lines.size() == count);
  for (std::size_t i = 0; i < count; ++i) REQUIRE(lines[i].text == std::to_string(i));
}

TEST_CASE("a line of more than 64 MiB is passed over and does not stop what follows it") {
  std::string huge(65 << 20, 'x');
  auto lines = lines_of(memory_file("a\n" + huge + "\nb\nc"));
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].too_long);
  CHECK(lines[1].number == 2);
  CHECK(lines[2] == line{"b", huge.size() + 3, 3, true, false});
  CHECK(lines[3] == line{"c", huge.size() + 5, 4, false, false});
}

TEST_CASE("a preallocated tail of any size is no line, and costs no memory") {
  memory_file source("a\n", 200 << 20);
  CHECK(lines_of(source) == std::vector<line>{{"a", 0, 1, true, false}});
  CHECK(source.largest_read <= (1 << 20));
}

TEST_CASE("an error of the disk is an error, not an end") {
  memory_file source(std::string(3 << 20, 'x'));
  source.broken_at = 2 << 20;
  segment_reader reader(source, *source.size());
  auto next = reader.next();
  REQUIRE_FALSE(next.ok());
  CHECK(next.reason().code == core::errc::io_failed);
}

TEST_CASE("only the bytes that count are read") {
  memory_file source("a\nb\nc\n");
  segment_reader reader(source, 3);
  CHECK((*reader.next())->text == "a");
  auto last = reader.next();
  CHECK((*last)->text == "b");
  CHECK_FALSE((*last)->terminated);
  CHECK_FALSE(*reader.next());
}
