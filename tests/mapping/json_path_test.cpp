#include "mapping/json_path.hpp"

#include <string>
#include <vector>

#include "mapping/field_mapping.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::mapping;

namespace {

const char* const nothing = "(nothing)";

struct row {
  std::string path, text;
};

/// What the path leads to, as text.
std::string at(const std::string& path, const std::string& body) {
  const auto parsed = json_path::parse(path);
  if (!parsed.ok()) return parsed.reason().text;
  return parsed->text_in(body).value_or(nothing);
}

void check_all(const std::string& body, const std::vector<row>& rows) {
  for (const auto& [path, text] : rows) {
    CAPTURE(path);
    CHECK(at(path, body) == text);
  }
}

/// The document of gjson's own description of its paths.
const std::string people = R"({
  "name": {"first": "Tom", "last": "Anderson"},
  "age":37,
  "children": ["Sara","Alex","Jack"],
  "fav.movie": "Deer Hunter",
  "friends": [
    {"first": "Dale", "last": "Murphy", "age": 44, "nets": ["ig", "fb", "tw"]},
    {"first": "Roger", "last": "Craig", "age": 68, "nets": ["fb", "tw"]},
    {"first": "Jane", "last": "Murphy", "age": 47, "nets": ["ig", "tw"]}
  ]
})";
const std::string dale =
    R"({"first": "Dale", "last": "Murphy", "age": 44, "nets": ["ig", "fb", "tw"]})";
const std::string jane = R"({"first": "Jane", "last": "Murphy", "age": 47, "nets": ["ig", "tw"]})";

}  // namespace

TEST_CASE("the paths of gjson's description lead to what it says") {
  const std::string murphys = "[" + dale + "," + jane + "]";
  check_all(people, {{"name.last", "Anderson"},
                     {"age", "37"},
                     {"children", R"(["Sara","Alex","Jack"])"},
                     {"children.0", "Sara"},
                     {"children.1", "Alex"},
                     {"friends.1.first", "Roger"},
                     {"child*.2", "Jack"},
                     {"c?ildren.0", "Sara"},
                     {R"(fav\.movie)", "Deer Hunter"},
                     {"friends.#", "3"},
                     {"friends.#.age", "[44,68,47]"},
                     {R"(friends.#(last=="Murphy").first)", "Dale"},
                     {R"(friends.#(last=="Murphy")#.first)", R"(["Dale","Jane"])"},
                     {"friends.#(age>45)#.last", R"(["Craig","Murphy"])"},
                     {R"(friends.#(first%"D*").last)", "Murphy"},
                     {R"(friends.#(first!%"D*").last)", "Craig"},
                     {R"(children.#(!%"*a*"))", "Alex"},
                     {R"(children.#(%"*a*")#)", R"(["Sara","Jack"])"},
                     {R"(friends.#(nets.#(=="fb"))#.first)", R"(["Dale","Roger"])"},
                     {"friends|0.first", "Dale"},
                     {"friends.0|first", "Dale"},
                     {"friends|0|first", "Dale"},
                     {"friends|#", "3"},
                     {R"(friends.#(last="Murphy")#)", murphys},
                     {R"(friends.#(last="Murphy")#|first)", nothing},
                     {R"(friends.#(last="Murphy")#.0)", "[]"},
                     {R"(friends.#(last="Murphy")#|0)", dale},
                     {R"(friends.#(last="Murphy")#.#)", "[]"},
                     {R"(friends.#(last="Murphy")#|#)", "2"},
                     {"children.@reverse", R"(["Jack","Alex","Sara"])"},
                     {"children.@reverse.0", "Jack"}});
}

TEST_CASE("a path leads through members and elements") {
  check_all(R"({ "a" : { "b" : [ {"c":1.50}, {"c":"yes", "0":"key"} ] }, "e":"\u0065" })",
            {{"a.b.0.c", "1.5"},
             {"a.b.1.c", "yes"},
             {"a.b.1.0", "key"},
             {"a.b.00.c", "1.5"},
             {"a.b.0", R"({"c":1.50})"},
             {"e", "e"}});
  CHECK(at("0.a", R"([{"a":"x"}])") == "x");
  CHECK(at("", R"({"":"x"})") == "x");
  CHECK(at("a.", R"({"a":{"":"x"}})") == "x");
  CHECK(at("a..b", R"({"a":{"":{"b":"x"}}})") == "x");
  CHECK(at("a#b.c@d", R"({"a#b":{"c@d":"x"}})") == "x");
}

TEST_CASE("a negative number counts from the end of an array, and is a key of an object") {
  check_all(R"({"m":[{"c":"a"},{"c":"b"},{"c":"c"}],"o":{"-1":"key"},"e":[]})",
            {{"m.-1.c", "c"},
             {"m.-3.c", "a"},
             {"m.-4.c", nothing},
             {"m.-0.c", nothing},
             {"m.-1x.c", nothing},
             {R"(m.\-1.c)", nothing},
             {"o.-1", "key"},
             {"e.-1", nothing},
             {"m.@reverse.-1.c", "a"}});
  CHECK(at("-1", R"(["a","b"])") == "b");
  CHECK(at("-1.x", R"([{"x":1},{"x":2}])") == "2");
}

TEST_CASE("a path that leads nowhere finds nothing, and one to null finds an empty text") {
  const std::string body = R"({"a":{"b":"x"},"l":["x"],"A":"other case","s":"text","n":null})";
  for (const std::string path : {"b",
                                 "a.c",
                                 "a.b.c",
                                 "l.1",
                                 "l.x",
                                 "l.*",
                                 "s.0",
                                 "n.a",
                                 "",
                                 "A.a",
                                 "l.99999999999999999999",
                                 "s.#",
                                 "n.#",
                                 "a.#",
                                 "a.#.b",
                                 "a.#(b==\"x\")",
                                 "s|0",
                                 "x|0",
                                 "l.#(==\"y\")",
                                 "l.0#"}) {
    CAPTURE(path);
    CHECK(at(path, body) == nothing);
  }
  CHECK(at("n", body).empty());
  CHECK(at("A", body) == "other case");
  for (const std::string scalar : {"\"scalar\"", "\"[1]\"", "1", "null", "true"}) {
    CAPTURE(scalar);
    CHECK(at("a", scalar) == nothing);
    CHECK(at("0", scalar) == nothing);
    CHECK(at("#", scalar) == nothing);
  }
}

TEST_CASE("a backslash in a path takes the next character as it is") {
  check_all(R"({"a.b":"dot","#":"hash","@this":"at","a*":"star","a\\b":"slash","a|b":"pipe",
                "ab*c":"both","[x":"bracket","!x":"bang"})",
            {{R"(a\.b)", "dot"},
             {R"(\#)", "hash"},
             {R"(\@this)", "at"},
             {R"(a\*)", "star"},
             {R"(a\\b)", "slash"},
             {R"(a\|b)", "pipe"},
             {R"(?b\*c)", "both"},
             {R"(\[x)", "bracket"},
             {R"(\!x)", "bang"}});
}

TEST_CASE("keys are compared unescaped") {
  CHECK(at("a", R"({"\u0061":"x"})") == "x");
  CHECK(at("a.b", R"({"a":{"\u0062":"x"}})") == "x");
  CHECK(at("?.b", R"({"\u00e9":{"b":"x"}})") == "x");
}

TEST_CASE("the first of several members with one key that leads to a value wins") {
  CHECK(at("a", R"({"a":"first","a":"second"})") == "first");
  CHECK(at("a", R"({"a":null,"a":"second"})").empty());
  CHECK(at("a.b", R"({"a":{"b":1,"b":2},"a":{"b":3}})") == "1");
  CHECK(at("a.b", R"({"a":"scalar","a":{"b":3}})") == "3");
  CHECK(at("a.b.c", R"({"a":{"b":1,"b":{"c":"x"},"b":{"c":"y"}}})") == "x");
  CHECK(at("a.#(x==1).x", R"({"a":[],"a":[{"x":1}]})") == "1");
}

TEST_CASE("* and ? stand for characters of a key, and not for elements") {
  check_all(R"({"":"empty","é":"letter","abc":{"x":1},"abd":{"y":2},"ac":"short","l":[5]})",
            {{"ab*.y", "2"},
             {"a?", "short"},
             {"?", "letter"},
             {"a?c.x", "1"},
             {"*", "empty"},
             {"*c.x", "1"},
             {"a*b*d.y", "2"},
             {"*.*", "1"},
             {"l.*", nothing},
             {"*.0", "5"},
             {"????", nothing}});
}

TEST_CASE("# is the number of elements, and before a dot each of them") {
  check_all(R"({"m":[{"r":"a","t":[1,2]},{"r":null},3,[{"r":"c"}]],"e":[],"o":{"#":"key"}})",
            {{"m.#", "4"},
             {"m.#.r", R"(["a",null])"},
             {"m.#.t", "[[1,2]]"},
             {"m.#.t.#", "[2]"},
             {"m.#.t.0", "[1]"},
             {"m.#.#.r", R"([["c"]])"},
             {"m.#.x", "[]"},
             {"m.#.@this|2", "3"},
             {"m.#.r|#", "2"},
             {"m.#.r|1", ""},
             {"m.#.r.0", "[]"},
             {"e.#", "0"},
             {"e.#.r", "[]"},
             {"o.#", "key"},
             {"m.##", nothing},
             {"m.#x", nothing}});
  CHECK(at("#", "[1, 2]") == "2");
  CHECK(at("#.a", R"([{"a":1},{"a":"x"}])") == R"([1,"x"])");
}

TEST_CASE("a query compares strings, numbers and truth values") {
  const std::string body = R"({"l":[{"s":"b","n":2,"t":true,"i":1},{"s":"a","n":10,"t":false,"i":2},
                                    {"s":"","n":-1.5,"z":null,"i":3},{"i":4}]})";
  check_all(body, {{R"(l.#(s=="a").i)", "2"},
                   {"l.#(s==a).i", "2"},
                   {R"(l.#( s == "a" ).i)", "2"},
                   {R"(l.#(s=="a").i)", "2"},
                   {R"(l.#(s!="a")#.i)", "[1,3]"},
                   {R"(l.#(s<"b")#.i)", "[2,3]"},
                   {R"(l.#(s<="b")#.i)", "[1,2,3]"},
                   {R"(l.#(s>"")#.i)", "[1,2]"},
                   {R"(l.#(s>="a")#.i)", "[1,2]"},
                   {R"(l.#(s=="")#.i)", "[3]"},
                   {R"(l.#(s=="\u0061")#.i)", "[2]"},
                   {"l.#(n==2)#.i", "[1]"},
                   {"l.#(n==2.0)#.i", "[1]"},
                   {"l.#(n!=2)#.i", "[2,3]"},
                   {"l.#(n<2)#.i", "[3]"},
                   {"l.#(n<=2)#.i", "[1,3]"},
                   {"l.#(n>-1.5)#.i", "[1,2]"},
                   {"l.#(n>=1e1)#.i", "[2]"},
                   {R"(l.#(n=="2")#.i)", "[1]"},
                   {"l.#(n==x)#.i", "[]"},
                   {"l.#(n>x)#.i", "[1,2]"},
                   {"l.#(n%\"1*\")#.i", "[]"},
                   {"l.#(t==true)#.i", "[1]"},
                   {"l.#(t!=true)#.i", "[2]"},
                   {"l.#(t==false)#.i", "[2]"},
                   {"l.#(t>false)#.i", "[1]"},
                   {"l.#(t<true)#.i", "[2]"},
                   {"l.#(t>=x)#.i", "[1]"},
                   {"l.#(t<=x)#.i", "[2]"},
                   {"l.#(z==null)#.i", "[]"},
                   {"l.#(z!=x)#.i", "[]"},
                   {"l.#(z)#.i", "[3]"},
                   {"l.#(s)#.i", "[1,2,3]"},
                   {"l.#(n)#|#", "3"},
                   {"l.#(missing)#", "[]"},
                   {"l.#(missing)", nothing},
                   {"l.#(n>5)", R"({"s":"a","n":10,"t":false,"i":2})"},
                   {"l.#[n>5].i", "2"}});
}

TEST_CASE("a query finds plain elements, nested ones, and what its own path leads to") {
  const std::string body = R"~({"tags":["a","b","a*",3,null,["a"]],"m":[{"p":[{"k":"x","v":1}]},
      {"p":[{"k":"y","v":2},{"k":"z.|)","v":3}]}]})~";
  check_all(body, {{R"~(tags.#(=="b"))~", "b"},
                   {"tags.#(==3)", "3"},
                   {R"~(tags.#(%"a*")#)~", R"(["a","a*"])"},
                   {R"~(tags.#(%"a\\*")#)~", R"(["a*"])"},
                   {"tags.#()#", R"(["a","b","a*",3,null])"},
                   {R"~(tags.#(0=="a"))~", R"(["a"])"},
                   {R"~(m.#(p.#(k=="y")).p.0.v)~", "2"},
                   {R"~(m.#(p.0.k=="y").p.#(v>2).k)~", "z.|)"},
                   {R"~(m.#(p.#(k=="z.|)"))#.p.#.v)~", "[[2,3]]"},
                   {R"~(m.#(p|0|k=="y").p.#)~", "2"},
                   {"m.#(p.#>1).p.0.k", "y"},
                   {R"~(m.#(p.#.k%"*y*")#.p.#)~", "[]"},
                   {R"~(m.#(p.@reverse.0.k%"z*").p.#)~", "2"}});
}

TEST_CASE("a tilde on the right compares with what a value counts as") {
  const std::string body = R"({"vals":[{"a":1,"b":true},{"a":2,"b":true},{"a":3,"b":false},
      {"a":4,"b":"0"},{"a":5,"b":0},{"a":6,"b":"1"},{"a":7,"b":1},{"a":8,"b":"True"},
      {"a":9,"b":false},{"a":10,"b":null},{"a":11},{"a":12,"b":"word"},{"a":13,"b":[]}]})";
  check_all(body, {{"vals.#(b==~true)#.a", "[1,2,6,7,8]"},
                   {"vals.#(b==~false)#.a", "[3,4,5,9,10,11]"},
                   {"vals.#(b==~null)#.a", "[10,11]"},
                   {"vals.#(b==~*)#.a", "[1,2,3,4,5,6,7,8,9,10,12,13]"},
                   {"vals.#(b!=~*)#.a", "[11]"},
                   {"vals.#(b!=~true)#.a", "[3,4,5,9,10,11,12,13]"},
                   {R"(vals.#(b%"~*")#.a)", "[]"}});
}

TEST_CASE("a first match decides, and what is missing in it is not looked for in the next") {
  CHECK(at("l.#(a==1).b", R"({"l":[{"a":1},{"a":1,"b":2}]})") == nothing);
  CHECK(at("l.#(a==1)#.b", R"({"l":[{"a":1},{"a":1,"b":2}]})") == "[2]");
}

TEST_CASE("a pipe goes on with the result as a whole, a dot after # with each element") {
  const std::string body = R"({"l":[[1,2],[3,4]],"o":{"p":{"q":5}}})";
  check_all(body, {{"l.#.0", "[1,3]"},
                   {"l.#.@this|0", "[1,2]"},
                   {"l.#.@reverse", "[[2,1],[4,3]]"},
                   {"l.#.@this|@reverse", "[[3,4],[1,2]]"},
                   {"l|@reverse|0|1", "4"},
                   {"o|p|q", "5"},
                   {"o.p|q", "5"},
                   {"l.#(#>1)#|0.0", "1"},
                   {"l.#(#>1)#.0|#", "2"},
                   {"l.#(#>9)#.0|0", nothing}});
}

TEST_CASE("modifiers work on what was found so far") {
  const std::string body = R"({"l":[1,[2, 3],[],[[4], {"x":[5]}]],"o":{"b":1, "a":[2]},"s":"t",
                               "@type":"key","n":{"@id":"inner"}})";
  check_all(body, {{"l.@reverse", R"([[[4], {"x":[5]}],[],[2, 3],1])"},
                   {"o.@reverse", R"({"a":[2],"b":1})"},
                   {"s.@reverse", "t"},
                   {"o.@keys", R"(["b","a"])"},
                   {"o.@keys.0", "b"},
                   {"l.@keys", "[null,null,null,null]"},
                   {"s.@keys", "[null]"},
                   {"o.x.@keys", "[]"},
                   {"o.@values", "[1,[2]]"},
                   {"l.@values.0", "1"},
                   {"s.@values", R"(["t"])"},
                   {"l.@flatten", R"([1,2, 3,[4], {"x":[5]}])"},
                   {R"(l.@flatten:{"deep":true})", R"([1,2,3,4,{"x":[5]}])"},
                   {R"(l.@flatten:{"deep":false}|#)", "5"},
                   {R"(l.@flatten:{"deep":true}|-1.x.0)", "5"},
                   {R"(l.@flatten:{"deep":"1"}.#)", "5"},
                   {"l.@flatten:anything|#", "5"},
                   {"o.@flatten", R"({"b":1, "a":[2]})"},
                   {"@this.s", "t"},
                   {"@this|s", "t"},
                   {"s.@this", "t"},
                   {"@valid.s", "t"},
                   {"@keys.#", "5"},
                   {"@reverse.@reverse.@keys.0", "l"},
                   {"@type", "key"},
                   {"n.@id", "inner"},
                   {"x.@reverse", nothing}});
  CHECK(at("x.@keys", "{}") == "[]");  // as in gjson: the object is there, and has no x
  CHECK(at("x.y.@keys", "{}") == nothing);
  CHECK(at("@this", "\"text\"") == "text");
  CHECK(at("@this", "[1, 2]") == "[1, 2]");
}

TEST_CASE("what gjson can say and this version cannot is an error with the place and a way out") {
  const std::vector<row> rows{
      {"[a,b]", "offset 0: several paths in one"},
      {"{a,b}", "offset 0: several paths in one"},
      {"a.[b]", "offset 2: several paths in one"},
      {"a|{b}", "offset 2: several paths in one"},
      {"#.[a,b]", "offset 2: several paths in one"},
      {"!true", "offset 0: literals"},
      {"a|!1", "offset 2: literals"},
      {"..0", "offset 0: JSON lines"},
      {"a|..#", "offset 2: JSON lines"},
      {"@pretty", "offset 0: the modifier @pretty is not supported; there are @this"},
      {"a.@tostr", "offset 2: the modifier @tostr"},
      {R"(a.#(b=="x")", "offset 2: the query is not closed"},
      {R"(a.#(b=="x).c)", "offset 2: the query is not closed"},
      {R"(a.#(b=="x")c)", "offset 11: after a query"},
      {"a.#(b!c)", "offset 5: this is no comparison"},
      {"a.#(b==~maybe)", "offset 7: after ~"},
      {R"(a.#(b%"x\*"))", "offset 6: the quoted text is not a JSON string"},
      {"a.#([b,c]==1)", "offset 4: several paths in one"},
      {"a.@flatten:{deep}", "offset 11: the modifier's argument is not JSON"},
      {"a.@flatten:{}b", "offset 13: after a modifier's argument"},
  };
  for (const auto& [path, text] : rows) {
    CAPTURE(path);
    const auto why = mapping_error(path);
    REQUIRE(why);
    CHECK(why->find("path \"" + path + "\", " + text) == 0);
  }
  for (const std::string path :
       {"a", "a.b", "messages.0.content", "a#b", "a@b", "a.b[0]", "-1", "", "a.", "@", "@type",
        "a.!b", "!", "[", "a|", "|a", "#a", R"(a\|b)"}) {
    CAPTURE(path);
    CHECK_FALSE(mapping_error(path));
  }
}
