"""Jobs that helpers take a share of: what comes back, what fails, and who does what no helper has time for."""

import threading

import pytest

from btql.execution import helpers
from btql.execution.helpers import one_by_one, run_all


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(helpers, "CORES", 2)
    helpers._helpers.cache_clear()
    yield
    helpers._helpers().shutdown()
    helpers._helpers.cache_clear()


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_answers_are_in_the_order_of_the_jobs(count):
    jobs = [lambda number=number: number for number in range(count)]

    assert run_all(jobs) == one_by_one(jobs) == list(range(count))


def test_a_helper_works_while_who_asks_does():
    here, there = threading.Event(), threading.Event()

    def first():
        here.set()
        assert there.wait(10)
        return threading.current_thread().name

    def last():
        there.set()
        assert here.wait(10)
        return threading.current_thread().name

    mine, helpers_own = run_all([first, last])

    assert mine == threading.current_thread().name
    assert helpers_own.startswith("btql-helper")


def test_who_asks_does_everything_while_helpers_are_busy():
    done, begun = threading.Event(), threading.Event()

    def wait():
        begun.set()
        assert done.wait(10)

    helpers._helpers().submit(wait)
    assert begun.wait(10)
    try:
        assert set(run_all([threading.get_ident] * 20)) == {threading.get_ident()}
    finally:
        done.set()


@pytest.mark.parametrize("failing", [0, 5, 9])
def test_what_fails_is_raised_and_the_rest_is_left(failing):
    done: list[int] = []

    def job(number):
        if number == failing:
            raise ValueError(number)
        done.append(number)

    with pytest.raises(ValueError, match=str(failing)):
        run_all([lambda number=number: job(number) for number in range(10)])
    run_all([lambda: None, lambda: None])
    assert failing not in done


@pytest.mark.parametrize("run", [run_all, one_by_one])
def test_work_ends_where_it_may_not_go_on(run):
    busy, begun = threading.Event(), threading.Event()
    done: list[int] = []
    checks: list[int] = []

    def check():
        checks.append(len(done))
        if len(checks) == 3:
            raise TimeoutError

    def wait():
        begun.set()
        busy.wait(10)

    helpers._helpers().submit(wait)
    assert begun.wait(10)
    with pytest.raises(TimeoutError):
        run([lambda number=number: done.append(number) for number in range(10)], check)
    busy.set()
    assert run([lambda: 1, lambda: 2]) == [1, 2]
    assert done == [0, 1]
