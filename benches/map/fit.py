"""Fits src/propose/vocabulary/weights.toml and writes seen.toml beside it, on what `cargo bench --bench map -- --held-out --answers` prints.

    python3 benches/map/fit.py ANSWERS [--write] [--folds N]

Prints top-1, top-3 and what is sure, each CRM proposed with weights that were fitted without it; with --write, writes the
weights fitted on all. Needs numpy and scipy. The model: the odds of an answer are the sum of its features' weights, and the
answers of a column share 1 in proportion to the exponentials of their odds; the accepted ones should have most of it.
"""

import json
import math
import pathlib
import sys
from collections import defaultdict

import numpy as np
from scipy.optimize import linear_sum_assignment, minimize
from scipy.sparse import csr_matrix

# What keeps weights small, which decides how much a few fields can say.
RIDGE = 3.0
# Of these every CRM has many, so nothing needs to keep them small.
FREE = {"alone/any/score", "alone/any/name", "alone/any/shape"}
# A feature that fewer CRMs have says nothing of the next one.
CRMS = 3
# Weights nearer to 0 are not written.
SMALL = 0.02
# By how much confidence is lowered, in log odds: a CRM that nobody tuned on brings more surprises than one left out.
LOWERED = 1.0
SURE = 0.9
# What a score counts beside the likelihood where columns want the same place.
FIT = 0.2
# What an accepted answer is worth beside the best one, while weights are fitted.
OTHERS = 0.7

# Of a name at a place, right ones for each wrong one, from which on it counts as seen.
RIGHT = 4

VOCABULARY = pathlib.Path(__file__).parents[2] / "src/propose/vocabulary"


def capacity(place):
    """How many columns may go to a place, as src/propose/answer.rs says; None: any number."""
    if place in ("id", "modified", "deleted"):
        return 1
    if ":" not in place or ":custom:" in place:
        return None
    entity, field = place.split(":")
    if field == "note" and entity != "activity":
        return None
    if (entity, field) in {("person", "name"), ("user", "name"), ("activity", "due_date"), ("activity", "duration")}:
        return None
    if field in {"emails", "phones", "address", "label_ids", "content", "note", "participants"}:
        return None
    if field == "status":
        return 3
    if field in {"stage_id", "value"}:
        return 4
    links = {"owner_id", "user_id", "org_id", "person_id", "organization_id", "deal_id", "lead_id"}
    two = {("lead", "title"), ("organization", "website"), ("organization", "linkedin")}
    return 2 if field in links or field == "lost_reason" or (entity, field) in two else 1


class Fields:
    """All labelled fields with their answers, as one matrix of features."""

    def __init__(self, rows):
        self.rows = rows
        crms = defaultdict(set)
        for row in rows:
            for answer in row["answers"]:
                for feature in answer["features"]:
                    crms[feature].add(row["catalogue"])
        self.names = sorted(name for name, own in crms.items() if len(own) >= CRMS or name in FREE)
        position = {name: at for at, name in enumerate(self.names)}
        data, at_row, at_column, self.owner, self.good, self.worth, self.place, self.score = [], [], [], [], [], [], [], []
        for number, row in enumerate(rows):
            for answer in row["answers"]:
                for feature, much in answer["features"].items():
                    if feature in position:
                        data.append(much)
                        at_row.append(len(self.owner))
                        at_column.append(position[feature])
                self.owner.append(number)
                self.good.append(answer["place"] in row["target"])
                self.worth.append(1.0 if answer["place"] == row["target"][0] else OTHERS)
                self.place.append(answer["place"])
                self.score.append(answer["score"])
        shape = (len(self.owner), len(self.names))
        self.matrix = csr_matrix((data, (at_row, at_column)), shape=shape)
        self.owner, self.good, self.worth = np.array(self.owner), np.array(self.good), np.array(self.worth)
        self.crm = np.array([row["catalogue"] for row in rows])
        self.ridge = np.array([0.01 if name in FREE else RIDGE for name in self.names])
        ends = np.searchsorted(self.owner, np.arange(len(rows) + 1))
        self.own = [np.arange(ends[at], ends[at + 1]) for at in range(len(rows))]
        self.tables = defaultdict(list)
        for number, row in enumerate(rows):
            self.tables[row["catalogue"], row["table"]].append(number)

    def fit(self, known):
        """Weights fitted on the fields of which `known` is true."""
        has_answer = np.bincount(self.owner, self.good, len(self.rows)) > 0
        rows = np.where((known & has_answer)[self.owner])[0]
        matrix, good = self.matrix[rows], self.good[rows] * self.worth[rows]
        _, owner = np.unique(self.owner[rows], return_inverse=True)
        count = owner.max() + 1

        def loss(weights):
            odds = matrix @ weights
            largest = np.full(count, -np.inf)
            np.maximum.at(largest, owner, odds)
            share = np.exp(odds - largest[owner])
            everything = np.bincount(owner, share, count)[owner]
            accepted = np.bincount(owner, share * good, count)[owner]
            value = -np.sum(np.log(accepted / everything) / np.bincount(owner)[owner])
            gap = share * good / accepted - share / everything
            return value + 0.5 * np.sum(self.ridge * weights**2), -(matrix.T @ gap) + self.ridge * weights

        return minimize(loss, np.zeros(len(self.names)), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x

    def propose(self, weights, of):
        """For each field of a CRM its answers' positions, the chosen one first, and how likely that one is."""
        odds = self.matrix @ weights
        found = {}
        for (crm, _), numbers in self.tables.items():
            if crm not in of:
                continue
            likely = []
            for number in numbers:
                share = np.exp(odds[self.own[number]] - odds[self.own[number]].max())
                likely.append(share / share.sum())
            for number, chosen, share in zip(numbers, self.assign(numbers, likely), likely):
                order = list(np.argsort(-share, kind="stable"))
                order.insert(0, order.pop(order.index(chosen)))
                found[number] = ([self.own[number][at] for at in order], share[chosen])
        return found

    def assign(self, numbers, likely):
        """As src/propose/assign.rs does it."""
        slots = []
        for number in numbers:
            for at in self.own[number]:
                places = [place for place, _ in slots]
                if capacity(self.place[at]) is not None and self.place[at] not in places:
                    slots += [(self.place[at], turn) for turn in range(capacity(self.place[at]))]
        worth = np.full((len(numbers), len(slots) + len(numbers)), -1.0)
        own = []
        for line, (number, share) in enumerate(zip(numbers, likely)):
            places = {self.place[at]: position for position, at in enumerate(self.own[number])}
            weight = share + FIT * np.array([self.score[at] for at in self.own[number]])
            for column, (place, turn) in enumerate(slots):
                worth[line, column] = weight[places[place]] * 0.97**turn if place in places else -0.5
            free = [position for place, position in places.items() if capacity(place) is None]
            own.append(max(free, key=lambda position: weight[position]) if free else 0)
            worth[line, len(slots) + line] = weight[own[-1]]
        chosen = []
        for line, column in zip(*linear_sum_assignment(-worth)):
            places = {self.place[at]: position for position, at in enumerate(self.own[numbers[line]])}
            is_slot = column < len(slots) and slots[column][0] in places
            chosen.append(places[slots[column][0]] if is_slot else own[line])
        return chosen


def log_odds(likely):
    likely = np.clip(likely, 1e-4, 1 - 1e-4)
    return np.log(likely / (1 - likely))


def curve(likely, right):
    """Base and slope of the logistic curve from log odds to the share of right answers."""

    def loss(line):
        odds = line[0] + line[1] * log_odds(likely)
        return np.sum(np.logaddexp(0, odds) - right * odds)

    return minimize(loss, [0.0, 1.0]).x


def left_out(fields, folds):
    """Proposals for each CRM with weights that were fitted without it, or without its fold."""
    crms = sorted(set(fields.crm))
    found = {}
    for fold in range(folds):
        own = {crm for at, crm in enumerate(crms) if at % folds == fold}
        found.update(fields.propose(fields.fit(~np.isin(fields.crm, list(own))), own))
    return found


class Seen:
    """Which names went to which place in which CRM, and whether that was right, each CRM proposed without its own fields."""

    def __init__(self, fields, found):
        self.counts = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for number, (order, _) in found.items():
            row, first = fields.rows[number], order[0]
            count = self.counts[" ".join(row["words"]), fields.place[first]][row["catalogue"]]
            count[not fields.good[first]] += 1

    def has(self, name, without=None):
        own = [count for crm, count in self.counts[name].items() if crm != without]
        right, wrong = sum(count[0] for count in own), sum(count[1] for count in own)
        return right > RIGHT * wrong

    def names(self):
        return [name for name in sorted(self.counts) if name[0] and self.has(name)]


def report(fields, found, seen):
    numbers = np.array(sorted(found))
    first = np.array([fields.good[found[number][0][0]] for number in numbers], float)
    third = np.array([fields.good[found[number][0][:3]].any() for number in numbers], float)
    likely = np.array([found[number][1] for number in numbers])
    crm = fields.crm[numbers]
    names = [(" ".join(fields.rows[number]["words"]), fields.place[found[number][0][0]]) for number in numbers]
    is_seen = np.array([seen.has(name, own) for name, own in zip(names, crm)])
    sure = np.full(len(numbers), -np.inf)
    for own in sorted(set(crm)):
        base, slope = curve(likely[is_seen & (crm != own)], first[is_seen & (crm != own)])
        is_own = is_seen & (crm == own)
        sure[is_own] = base + slope * log_odds(likely[is_own])
    for own in sorted(set(crm)):
        is_own = crm == own
        is_sure = is_own & (sure - LOWERED >= math.log(SURE / (1 - SURE)))
        shares = [100 * first[is_own].mean(), 100 * third[is_own].mean(), 100 * is_sure.sum() / is_own.sum()]
        wrong = int((1 - first[is_sure]).sum())
        print(f"{own:<60} {is_own.sum():>5} {shares[0]:6.1f} {shares[1]:6.1f} {shares[2]:6.1f} {wrong:>4}")
    print(f"all {100 * first.mean():.1f} / {100 * third.mean():.1f}, seen {100 * is_seen.mean():.1f} %")
    for lowered in (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2):
        is_sure = sure - lowered >= math.log(SURE / (1 - SURE))
        wrong = 100 * (1 - first[is_sure]).mean()
        print(f"lowered by {lowered}: {100 * is_sure.mean():.1f} % sure, {wrong:.2f} % of these wrong")
    likeliest = ~is_seen & (likely > SURE)
    print(f"likely and not seen: {100 * likeliest.mean():.1f} %, {100 * (1 - first[likeliest]).mean():.1f} % of these wrong")
    for name, own in (("SEEN", is_seen), ("OTHERS", ~is_seen)):
        base, slope = curve(likely[own], first[own])
        print(f"{name} {base - LOWERED:.2f}, {slope:.2f}")


def write(names, weights):
    families = defaultdict(lambda: defaultdict(list))
    for name, weight in zip(names, weights):
        if abs(weight) >= SMALL:
            family, answer, key = name.split("/", 2)
            families[family][answer].append(f"{key} {weight:.2f}")
    head = [
        "# What features of an answer weigh (src/propose/weights.rs), fitted by benches/map/fit.py on the open halves of",
        "# benches/map with each CRM's own words forgotten. Families of features, kinds of answers, keys with their weights.",
    ]
    lines = list(head)
    for family, answers in sorted(families.items()):
        lines += ["", f"[{family}]"]
        lines += [f'"{answer}" = "{"; ".join(keys)}"' for answer, keys in sorted(answers.items())]
    (VOCABULARY / "weights.toml").write_text("\n".join(lines) + "\n")


def write_seen(seen):
    places = defaultdict(list)
    for words, place in seen.names():
        places[place].append(words)
    lines = [
        "# Names of columns that some CRM of benches/map has, by the place that they were rightly proposed for while that CRM",
        "# was left out (src/propose/seen.rs). Written by benches/map/fit.py.",
        "",
    ]
    lines += [f'"{place}" = "{"; ".join(names)}"' for place, names in sorted(places.items())]
    (VOCABULARY / "seen.toml").write_text("\n".join(lines) + "\n")


def main():
    with open(sys.argv[1], encoding="utf-8") as answers:
        fields = Fields([json.loads(line) for line in answers if line.startswith("{")])
    folds = int(sys.argv[sys.argv.index("--folds") + 1]) if "--folds" in sys.argv else len(set(fields.crm))
    found = left_out(fields, folds)
    seen = Seen(fields, found)
    report(fields, found, seen)
    if "--write" in sys.argv:
        write_seen(seen)
        write(fields.names, fields.fit(np.ones(len(fields.rows), bool)))


if __name__ == "__main__":
    main()
