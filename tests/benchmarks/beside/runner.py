"""One run of a suite: fill what is empty, compare the answers, then measure in turns.

The rounds of all systems are interleaved, question by question: when the machine is slow for a while, it is so for all.
A system that takes long gets fewer rounds, as ``Budget`` says, and the report says how many there were.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson
from benchmarks.beside.comparison import wrong
from benchmarks.beside.figures import OURS, Figures, Loaded, Times
from benchmarks.beside.question import Plain, Question
from benchmarks.beside.suite import Data, Suite, Wanted
from benchmarks.beside.system import Missing
from benchmarks.beside.worker import Answer, Ask, Explain, Failed, Load, Worker

_EXPLAINED = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """How often is asked."""

    rounds: int = 7
    cold_rounds: int = 1
    patience: float = 15.0
    """Seconds for the rounds of one system on one question; it gets at least three, or one where that takes longer."""
    give_up: float = 60.0
    """Seconds after which an answer counts as none."""

    def rounds_at(self, seconds: float) -> int:
        """Return how often a system is asked whose answer takes so long."""
        fitting = int(self.patience / max(seconds, 1e-6))
        return min(self.rounds, max(fitting, 1 if seconds > self.patience / 2 else 3))


class Runner:
    """Systems that are filled, and workers that hold them."""

    def __init__(self, suite: Suite, folder: Path, wanted: Wanted, budget: Budget) -> None:
        self._suite = suite
        self._folder = folder
        self._wanted = wanted
        self._budget = budget
        self._stack = ExitStack()
        self._addresses: dict[str, str] = {}
        self._workers: dict[str, Worker] = {}

    def run(self, systems: Sequence[str], questions: Sequence[str], again: Sequence[str]) -> Figures:
        """Measure some systems on some questions; fill those in ``again`` anew."""
        asked = [question for question in self._suite.questions if question.name in questions]
        with self._stack:
            versions, absent = self._present(systems)
            data, loaded = self._filled(list(versions), absent, again)
            versions = {name: versions[name] for name in loaded}
            figures = Figures(
                suite=self._suite.name,
                systems=versions,
                absent=absent,
                about=data.about,
                parameters=data.parameters,
                loaded=loaded,
                times={question.name: {} for question in asked},
                limits=sorted(self._suite.limits & set(versions)),
            )
            try:
                for name in versions:
                    self._start(name)
                for question in asked:
                    _tell(f"{question.name}")
                    self._compare(question, data, figures)
                    self._warm(question.name, data, figures.times[question.name])
                    self._explain(question.name, data, figures)
                for name in versions:
                    self._end(name)
                for question in asked:
                    self._cold(question.name, data, figures.times[question.name])
            finally:
                for worker in self._workers.values():
                    worker.end()
        return figures

    def _present(self, systems: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        versions: dict[str, str] = {}
        absent: dict[str, str] = {}
        for name in systems:
            try:
                versions[name] = self._suite.systems[name](self._place(name)).version()
            except Missing as error:
                absent[name] = str(error)
                _tell(f"without {name}: {error}")
        return versions, absent

    def _place(self, name: str) -> Path:
        return (self._folder / "systems" / name.lower().replace(" ", "-")).resolve()

    def _filled(
        self, names: Sequence[str], absent: dict[str, str], again: Sequence[str]
    ) -> tuple[Data, dict[str, Loaded]]:
        """Fill what is not, btql first: the rows for the others come out of it."""
        place = self._folder / "data"
        place.mkdir(parents=True, exist_ok=True)
        inputs = self._suite.make(place, self._wanted)
        loaded: dict[str, Loaded] = {}
        if not inputs.documents.exists() or "btql" in names:
            loaded["btql"] = self._fill("btql", Load(inputs, ""), again)
        data = self._suite.finish(place, self._wanted, inputs, self._place("btql"))
        for name in [name for name in names if name not in loaded]:
            try:
                loaded[name] = self._fill(name, Load(data.inputs, ""), again)
            except Failed as error:
                _tell(f"without {name}: {error}")
                absent[name] = str(error)
        filled = [name for name in names if name in loaded]
        for name in filled:
            self._addresses[name] = self._stack.enter_context(self._suite.systems[name](self._place(name)).serving())
        return data, {name: loaded[name] for name in filled}

    def _fill(self, name: str, order: Load, again: Sequence[str]) -> Loaded:
        place = self._place(name)
        known = place / "loaded.json"
        if not known.exists() or name in again:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            with self._suite.systems[name](place).serving() as address:
                worker = Worker(self._suite.name, name, place)
                try:
                    taken, size = worker.load(Load(order.inputs, address))
                finally:
                    worker.end()
            known.write_bytes(orjson.dumps({"seconds": taken.seconds, "size": size}))
            _tell(f"{name}: loaded in {taken.seconds:.1f} s, {size / 1e6:,.0f} MB")
        found = orjson.loads(known.read_bytes())
        return Loaded(found["seconds"], found["size"])

    def _start(self, name: str) -> Worker:
        worker = self._workers[name] = Worker(self._suite.name, name, self._place(name))
        worker.open(self._addresses[name])
        return worker

    def _end(self, name: str) -> None:
        self._workers.pop(name).end()

    def _living(self, name: str) -> Worker:
        worker = self._workers[name]
        return worker if worker.lives else self._start(name)

    def _compare(self, question: Question, data: Data, figures: Figures) -> None:
        """Ask everyone, and let only those go on that have the answer on which most agree."""
        answers: dict[str, list[Plain]] = {}
        for name in figures.systems:
            times = figures.times[question.name][name] = Times()
            if question.name not in self._suite.systems[name](self._place(name)).questions():
                times.failed = "not asked"
                continue
            try:
                taken, rows = self._living(name).answer(Answer(question, data.parameters), self._budget.give_up)
            except Failed as error:
                times.failed = str(error)
            else:
                # The first answer only says how often to ask.
                times.cold.append(taken.seconds)
                times.rows = len(rows)
                answers[name] = rows
        for name, difference in wrong(question, answers).items():
            figures.times[question.name][name].failed = f"another answer: {difference}"
        for name, times in figures.times[question.name].items():
            if times.failed and times.failed != "not asked":
                _tell(f"  {name}: {times.failed}")

    def _warm(self, question: str, data: Data, times: Mapping[str, Times]) -> None:
        left = {name: self._rounds(question, data, found, name) for name, found in times.items()}
        for _ in range(self._budget.rounds):
            for name, more in left.items():
                if more > 0:
                    left[name] = more - 1
                    self._ask(question, data, times[name], name)
            # Who was last is first in the next round.
            left = dict(reversed(left.items()))
        told = ((name, found.median) for name, found in times.items())
        _tell("  " + ", ".join(f"{name} {1000 * taken:.1f} ms" for name, taken in told if taken is not None))

    def _explain(self, question: str, data: Data, figures: Figures) -> None:
        """Have btql say where its time goes: of three answers the one that took least."""
        if OURS not in figures.systems or figures.times[question][OURS].failed:
            return
        order = Explain(question, data.parameters)
        try:
            found = [self._living(OURS).steps(order, self._budget.give_up) for _ in range(_EXPLAINED)]
        except Failed as error:
            _tell(f"  not explained: {error}")
        else:
            figures.steps[question] = min(found, key=lambda steps: sum(steps.values()))

    def _rounds(self, question: str, data: Data, times: Times, name: str) -> int:
        """Return how often a system is asked, by its first answer; by a second one, where that read files at first."""
        first, times.cold = times.cold, []
        if times.failed:
            return 0
        rounds = self._budget.rounds_at(first[0])
        if rounds < self._budget.rounds:
            second = Times()
            self._ask(question, data, second, name)
            times.failed = second.failed
            rounds = 0 if second.failed else self._budget.rounds_at(second.warm.pop())
        return rounds

    def _ask(self, question: str, data: Data, times: Times, name: str) -> None:
        self._measured(times, lambda worker: worker.ask(Ask(question, data.parameters), 2 * self._budget.give_up), name)

    def _measured(self, times: Times, ask: Callable[[Worker], object], name: str) -> None:
        from benchmarks.beside.worker import Taken

        try:
            taken = ask(self._living(name))
        except Failed as error:
            times.failed = str(error)
        else:
            assert isinstance(taken, Taken)
            times.add(taken)

    def _cold(self, question: str, data: Data, times: Mapping[str, Times]) -> None:
        """Ask in processes that have just been started and opened, and have never been asked anything."""
        for number in range(self._budget.cold_rounds):
            for name, found in times.items():
                if found.failed or (number and found.cold and found.cold[0] * self._budget.cold_rounds > 2):
                    continue
                try:
                    worker = Worker(self._suite.name, name, self._place(name))
                    opened = worker.open(self._addresses[name])
                    taken = worker.ask(Ask(question, data.parameters), 2 * self._budget.give_up)
                    found.cold.append(opened.seconds + taken.seconds)
                    worker.end()
                except Failed:
                    continue


def _tell(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()
