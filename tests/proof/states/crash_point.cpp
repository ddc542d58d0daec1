#include "tests/proof/states/crash_point.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace nexus::test {
namespace {

using content_ptr = std::shared_ptr<const content>;

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

void apply(content& to, const change& what) {
  if (what.what == change::kind::write)
    to.write(what.offset, what.bytes);
  else
    to.resize(what.offset);
}

/// The first few and the last few.
std::vector<std::uint64_t> ends_of(std::vector<std::uint64_t> sectors) {
  constexpr auto half = static_cast<std::ptrdiff_t>(sectors_tried_max / 2);
  if (sectors.size() > sectors_tried_max)
    sectors.erase(sectors.begin() + half, sectors.end() - half);
  return sectors;
}

/// Where a write may be torn: within it, at multiples of a sector of the file.
std::vector<std::uint64_t> tears_of(const change& write) {
  std::vector<std::uint64_t> tears;
  const auto end = write.offset + write.bytes.size();
  for (auto at = (write.offset / sector_bytes + 1) * sector_bytes; at < end; at += sector_bytes)
    tears.push_back(at - write.offset);
  return tears;
}

/// `write` up to `tear`, as the file's end or with zeros behind it.
void add_torn(std::vector<content_ptr>& out, const content& before, const change& write,
              std::uint64_t tear) {
  auto torn = before;
  if (tear > 0) torn.write(write.offset, std::string_view(write.bytes).substr(0, tear));
  if (tear > 0) out.push_back(std::make_shared<const content>(torn));
  torn.write(write.offset + tear, std::string(write.bytes.size() - tear, '\0'));
  out.push_back(std::make_shared<const content>(std::move(torn)));
}

/// `all` with the sector at `offset` as it was `before`.
content_ptr without_sector(const content& all, const content& before, std::uint64_t offset) {
  auto holed = all;
  const auto end = std::min<std::uint64_t>(offset + sector_bytes, all.bytes.size());
  for (auto at = offset; at < end; ++at)
    holed.bytes[at] = at < before.bytes.size() ? before.bytes[at] : '\0';
  return std::make_shared<const content>(std::move(holed));
}

std::vector<std::uint64_t> sectors_of(const std::vector<const change*>& unsynced) {
  std::set<std::uint64_t> sectors;
  for (const auto* one : unsynced)
    for (auto at = one->offset / sector_bytes * sector_bytes;
         one->what == change::kind::write && at < one->offset + one->bytes.size();
         at += sector_bytes)
      sectors.insert(at);
  return {sectors.begin(), sectors.end()};
}

/// All changes but for one sector, or for one whole write of several.
std::vector<content_ptr> late_writes(const content& durable, const content& all,
                                     const std::vector<const change*>& unsynced) {
  std::vector<content_ptr> out;
  for (auto sector : ends_of(sectors_of(unsynced)))
    out.push_back(without_sector(all, durable, sector));
  for (const auto* late : unsynced) {
    if (unsynced.size() < 2 || late->what != change::kind::write) continue;
    auto holed = durable;
    for (const auto* one : unsynced)
      if (one != late) apply(holed, *one);
    out.push_back(std::make_shared<const content>(std::move(holed)));
  }
  return out;
}

template <class Names>
void apply_name(Names& to, const change& what) {
  if (what.what == change::kind::create) to[what.path] = what.file;
  if (what.what == change::kind::remove) to.erase(what.path);
  if (what.what != change::kind::rename) return;
  if (auto named = to.extract(what.path)) to[what.to] = named.mapped();
}

}  // namespace

crash_point::crash_point(const disk_image& start) {
  std::uint64_t number = 0;
  for (const auto& [path, holds] : start) {
    names_[path] = number;
    files_[number++].durable = std::make_shared<content>(*holds);
  }
}

void crash_point::advance(const change& next) {
  switch (next.what) {
    case change::kind::write:
    case change::kind::resize:
      files_[next.file].unsynced.push_back(&next);
      files_[next.file].variants.clear();
      break;
    case change::kind::sync: {
      auto& file = files_[next.file];
      file.variants.clear();
      // A state that was handed over may still hold it.
      if (file.durable.use_count() > 1) file.durable = std::make_shared<content>(*file.durable);
      for (const auto* one : std::exchange(file.unsynced, {})) apply(*file.durable, *one);
      break;
    }
    case change::kind::sync_directory:
      for (const auto* one : std::exchange(directories_[next.path], {})) apply_name(names_, *one);
      break;
    case change::kind::create:
    case change::kind::rename:
    case change::kind::remove:
      directories_[directory_of(next.path)].push_back(&next);
      break;
  }
}

std::vector<crash_point::variant> crash_point::work_out(const file_state& of) {
  std::vector<variant> distinct;
  const auto add = [&](const std::vector<content_ptr>& some, bool out_of_order) {
    for (const auto& one : some)
      if (const auto hash = one->hash();
          std::none_of(distinct.begin(), distinct.end(),
                       [&](const variant& known) { return known.hash == hash; }))
        distinct.push_back({one, hash, out_of_order});
  };
  std::vector<content_ptr> in_order{of.durable};
  auto all = *of.durable;
  for (const auto* one : of.unsynced) {
    if (one->what == change::kind::write) {
      add_torn(in_order, all, *one, 0);
      for (auto tear : ends_of(tears_of(*one))) add_torn(in_order, all, *one, tear);
    }
    apply(all, *one);
    in_order.push_back(std::make_shared<const content>(all));
  }
  add(in_order, false);
  add(late_writes(*of.durable, all, of.unsynced), true);
  return distinct;
}

const std::vector<crash_point::variant>& crash_point::variants_of(std::uint64_t file) const {
  static const std::vector<variant> empty{{std::make_shared<const content>(), content().hash()}};
  auto known = files_.find(file);
  if (known == files_.end()) return empty;
  const auto& state = known->second;
  if (state.variants.empty()) state.variants = work_out(state);
  return state.variants;
}

std::vector<crash_point::names> crash_point::name_variants() const {
  std::vector<names> all{names_};
  for (const auto& [path, changes] : directories_)
    for (std::size_t i = 0, count = all.size(); i < count; ++i) {
      auto one = all[i];
      for (const auto* what : changes) {
        apply_name(one, *what);
        all.push_back(one);
      }
    }
  return all;
}

/// For each file that has a name: how many variants it has.
std::vector<std::size_t> crash_point::odometer_of(const names& there) const {
  std::vector<std::size_t> sizes;
  for (const auto& [path, file] : there) sizes.push_back(variants_of(file).size());
  return sizes;
}

std::uint64_t crash_point::states() const {
  std::uint64_t total = 0;
  for (const auto& there : name_variants()) {
    std::uint64_t product = 1;
    for (auto size : odometer_of(there)) product *= size;
    total += product;
  }
  return total;
}

std::uint64_t crash_point::sectors_left_out() const {
  std::uint64_t count = 0;
  for (const auto& [number, file] : files_) {
    const auto written = sectors_of(file.unsynced).size();
    count += written - std::min(written, sectors_tried_max);
  }
  return count;
}

void crash_point::visit(std::uint64_t most, std::mt19937_64& random,
                        const std::function<void(const crash_state&)>& fn) const {
  const auto all = name_variants();
  const auto hand_over = [&](const names& there, std::uint64_t choice) {
    crash_state state;
    for (const auto& [path, file] : there) {
      const auto& choices = variants_of(file);
      const auto& chosen = choices[choice % choices.size()];
      state.image[path] = chosen.holds;
      state.hash = (state.hash ^ std::hash<std::string>{}(path)) * 0x9e3779b97f4a7c15;
      state.hash = (state.hash ^ chosen.hash) * 0xc2b2ae3d27d4eb4f;
      state.hash ^= state.hash >> 32;
      state.out_of_order |= chosen.out_of_order;
      choice /= choices.size();
    }
    fn(state);
  };
  const bool bounded = states() > most;
  for (std::uint64_t i = 0; bounded && i < most; ++i)
    hand_over(all[random() % all.size()], random());
  for (const auto& there : all) {
    std::uint64_t product = 1;
    for (auto size : odometer_of(there)) product *= size;
    for (std::uint64_t choice = 0; !bounded && choice < product; ++choice) hand_over(there, choice);
  }
}

disk_image crash_point::draw(std::mt19937_64& random) const {
  const auto part = [&](std::size_t of) { return static_cast<std::size_t>(random() % (of + 1)); };
  auto there = names_;
  for (const auto& [path, changes] : directories_)
    for (std::size_t i = 0, count = part(changes.size()); i < count; ++i)
      apply_name(there, *changes[i]);
  disk_image image;
  for (const auto& [path, file] : there) {
    const auto known = files_.find(file);
    if (known == files_.end() || known->second.unsynced.empty()) {
      image[path] = variants_of(file).front().holds;
      continue;
    }
    const auto& unsynced = known->second.unsynced;
    auto holds = *known->second.durable;
    const auto before = holds;
    const std::vector<const change*> kept(
        unsynced.begin(), unsynced.begin() + static_cast<std::ptrdiff_t>(part(unsynced.size())));
    for (const auto* one : kept) apply(holds, *one);
    const auto odds = random() % 4;  // none is late, one in four, one in two, three in four
    for (auto sector : sectors_of(kept))
      if (random() % 4 < odds) holds = *without_sector(holds, before, sector);
    image[path] = std::make_shared<const content>(std::move(holds));
  }
  return image;
}

disk_image crash_point::durable() const {
  disk_image image;
  for (const auto& [path, file] : names_) image[path] = variants_of(file).front().holds;
  return image;
}

}  // namespace nexus::test
