// A segment: how it is taken apart into lines, and what each of them is, against the reference
// parser.
#include <map>

#include "tests/fuzz/fitting_lines.hpp"
#include "tests/proof/sweep/memory_files.hpp"
#include "tests/proof/sweep/reference_line.hpp"
#include "wal/scan.hpp"

using namespace nexus;
using namespace nexus::test::sweep;

namespace {

line_class class_of(wal::line_kind kind) {
  static const std::map<wal::line_kind, line_class> not_whole{
      {wal::line_kind::blank, line_class::blank},
      {wal::line_kind::torn, line_class::torn},
      {wal::line_kind::bad_sentinel, line_class::bad_sentinel},
      {wal::line_kind::bad_crc, line_class::bad_crc},
      {wal::line_kind::bad_body, line_class::undecodable},
      {wal::line_kind::no_key, line_class::no_key},
      {wal::line_kind::malformed, line_class::malformed}};
  const auto found = not_whole.find(kind);
  return found == not_whole.end() ? line_class::whole : found->second;
}

}  // namespace

void fuzz::run(std::string_view input) {
  const auto bytes = with_fitting_checks(input);
  static const auto format = *wal::line_format::make({});
  wal::line_decoder decoder(*format, "wal-1.jsonl");
  memory_files disk;
  disk.bytes["a"] = std::make_shared<std::string>(bytes);
  const auto file = *disk.open_read("a");
  auto expected = split_lines(bytes);
  std::size_t at = 0;
  const auto read =
      wal::scan_segment(*file, bytes.size(), decoder, [&](const wal::scanned_line& line) {
        require(at < expected.size(), "there is such a line");
        auto& one = expected[at++];
        require(one.text == line.raw.text && one.offset == line.raw.offset, "it stands there");
        classify(one, "wal-1.jsonl", {});
        require(class_of(line.kind) == one.is, "it is what the format says");
      });
  require(read.ok() && at == expected.size(), "all lines were read");
}
