// Every state that a power cut may leave of small workloads is opened, and held against a model of
// what was promised.
//
// A workload opens a log and does up to six operations (workload.hpp). Where a sequence of
// operations goes on from a shorter one only what is new is tried: its last operation is cut at
// each of its changes. The states of a cut are those of crash_point.hpp. Where there are more than
// `states_per_cut_max` of them, so many are drawn; how many are left out is counted and printed.
// Equal states are opened once, and held against each promise that they occur with.
//
// Quick size: all sequences of up to three operations, and a few random ones of six, without large
// entries; and those sequences that have shown a defect once. Long size (NEXUS_PROOF_SIZE=long):
// all sequences of up to three, and random ones of six for five minutes in all. NEXUS_PROOF_SEED
// draws the same random ones again.
#include <chrono>
#include <iostream>
#include <random>
#include <unordered_map>

#include "tests/proof/states/crash_point.hpp"
#include "tests/proof/states/opening.hpp"
#include "tests/proof/proof_size.hpp"
#include "tests/proof/states/workload.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/proof_count.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

constexpr std::size_t operations_max = 6;

/// Those that have shown a defect once, in their last operation.
const std::vector<operations> known_sequences = {
    // a seal torn at the end of a segment that was the newest no more
    {operation_of_log::append, operation_of_log::append_large},
    // a segment that retention had removed, and that was back
    {operation_of_log::append_three, operation_of_log::append, operation_of_log::fail,
     operation_of_log::settle, operation_of_log::deliver_all, operation_of_log::maintain},
};

class enumeration {
 public:
  enumeration(const log_kind& kind, std::uint64_t seed, std::uint64_t states_per_cut_max)
      : kind_(kind), random_(seed), states_per_cut_max_(states_per_cut_max) {}

  /// All sequences of up to so many operations.
  void try_all(std::size_t length) {
    std::vector<operations> shorter{{}};
    try_steps({}, 0);
    for (std::size_t i = 0; i < length; ++i) {
      std::vector<operations> longer;
      for (const auto& one : shorter)
        for (auto next : sensible_after(one)) {
          if (next == operation_of_log::append_large && !is_long_proof()) continue;  // takes long
          longer.push_back(one);
          longer.back().push_back(next);
          try_steps(longer.back(), longer.back().size());
        }
      shorter = std::move(longer);
    }
  }

  /// One of six operations, of which the first `known` have been tried.
  void try_random(std::size_t known, bool may_be_large) {
    operations all;
    while (all.size() < operations_max) {
      auto next = sensible_after(all);
      if (!may_be_large) std::erase(next, operation_of_log::append_large);
      all.push_back(next[random_() % next.size()]);
    }
    try_steps(all, known + 1);
  }

  void try_known() {
    for (const auto& one : known_sequences) try_steps(one, one.size());
  }

  std::uint64_t distinct() const { return known_.size(); }
  void print() const {
    std::cout << kind_.name << ": " << sequences_ << " sequences, " << cuts_ << " cuts, " << tried_
              << " states, " << known_.size() << " distinct; left out: " << left_out_
              << " states, and those of " << sectors_left_out_ << " sectors" << std::endl;
  }

 private:
  operations sensible_after(const operations& all) const {
    workload done(kind_);
    done.open();
    for (auto one : all) done.run(one);
    return sensible(done);
  }

  /// Cuts the power during each step from `from` on; step 0 is the opening.
  void try_steps(const operations& all, std::size_t from) {
    ++sequences_;
    workload whole(kind_);
    struct step {
      std::size_t begin, end;
      promises meanwhile, after;
    };
    std::vector<step> steps;
    const auto note = [&] {
      steps.push_back(
          {whole.begin(), whole.disk().position(), whole.promised_meanwhile(), whole.promised()});
    };
    whole.open();
    note();
    for (auto one : all) {
      whole.run(one);
      note();
    }
    crash_point cut({});
    const auto& record = whole.disk().record();
    for (std::size_t i = 0; i < steps.size(); ++i)
      for (auto at = steps[i].begin; at < steps[i].end; ++at) {
        cut.advance(record[at]);
        INFO(kind_.name << ": " << to_string(all) << ": cut in step " << i << ", behind change "
                        << at + 1 << " of " << record.size());
        if (i >= from) try_cut(cut, at + 1 == steps[i].end ? steps[i].after : steps[i].meanwhile);
      }
  }

  void try_cut(const crash_point& cut, const promises& promised) {
    const auto states = cut.states();
    ++cuts_;
    if (states > states_per_cut_max_) left_out_ += states - states_per_cut_max_;
    sectors_left_out_ += cut.sectors_left_out();
    cut.visit(states_per_cut_max_, random_, [&](const crash_state& state) {
      ++tried_;
      const auto [known, is_new] = known_.try_emplace(state.hash);
      if (is_new) known->second = open_state(state.image, kind_, random_);
      const auto wrong = breach(state, known->second, promised);
      if (!wrong.empty()) FAIL(wrong << describe(state.image));
    });
  }

  static std::string breach(const crash_state& state, const opening& found,
                            const promises& promised) {
    if (!found.breach.empty()) return found.breach;
    // Where a later sector is there and an earlier one is not, a log that ends in a whole line
    // cannot know that a write was cut off.
    if (!found.damage.empty() && !state.out_of_order)
      return "a power cut is taken for damage: " + found.damage;
    return promised.breach(found.shown, state.out_of_order);
  }

  /// The files, runs of one character shortened.
  static std::string describe(const disk_image& state) {
    std::string text;
    for (const auto& [path, holds] : state) {
      text += "\n" + path + ", " + std::to_string(holds->size) + " bytes:\n";
      std::size_t run = 0;
      for (std::size_t i = 0; i < holds->bytes.size(); ++i) {
        run = i > 0 && holds->bytes[i] == holds->bytes[i - 1] ? run + 1 : 0;
        if (run < 8) text += holds->bytes[i];
      }
    }
    return text;
  }

  const log_kind& kind_;
  std::mt19937_64 random_;
  const std::uint64_t states_per_cut_max_;
  std::unordered_map<std::uint64_t, opening> known_;
  std::uint64_t sequences_ = 0, tried_ = 0, cuts_ = 0, left_out_ = 0, sectors_left_out_ = 0;
};

std::uint64_t enumerate(const log_kind& kind) {
  const auto seed = proof_seed();
  const auto start = std::chrono::steady_clock::now();
  enumeration all(kind, seed, is_long_proof() ? 20'000 : 300 / proof_divisor());
  all.try_known();
  all.try_all(proof_divisor() == 1 ? 3 : 2);
  const auto goes_on = [&](std::uint64_t tried) {
    return is_long_proof() ? std::chrono::steady_clock::now() - start < std::chrono::seconds(75)
                           : tried < 60 / proof_divisor();
  };
  for (std::uint64_t i = 0; goes_on(i); ++i) all.try_random(3, is_long_proof() && i % 16 == 0);
  all.print();
  return all.distinct();
}

}  // namespace

TEST_CASE("every state that a power cut leaves of a small workload opens and keeps the promises") {
  std::uint64_t distinct = 0;
  for (const auto& kind : log_kinds) distinct += enumerate(kind);
  count_proof("crash states", distinct);
}
