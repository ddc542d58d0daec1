# cmake -DFROM=FILE -DTO=FILE.cpp -DNAME=namespace::variable -P EmbedText.cmake
# writes a source file that defines `extern const std::string_view variable`, the bytes of FILE. As
# numbers: a literal would have to be cut, since compilers need not take more than 64 KiB.

get_filename_component(from_name ${FROM} NAME)
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes
  "${bytes}")
string(REGEX MATCH "^(.+)::([a-z_]+)$" matched ${NAME})
file(WRITE ${TO} "// Made of ${from_name}.
#include <string_view>

namespace ${CMAKE_MATCH_1} {
namespace {

constexpr unsigned char bytes[] = {
${bytes}};

}  // namespace

extern const std::string_view ${CMAKE_MATCH_2};
const std::string_view ${CMAKE_MATCH_2}(reinterpret_cast<const char*>(bytes), sizeof(bytes));

}  // namespace ${CMAKE_MATCH_1}
")
