"""What is made on first use and kept."""

from __future__ import annotations

from threading import Event, Thread

from liquid_background.lazy import kept


class Made:
    def __init__(self) -> None:
        self.begun, self.go = Event(), Event()
        self.times = 0

    @kept
    def value(self) -> list[int]:
        """What it is."""
        self.times += 1
        self.begun.set()
        self.go.wait(20)
        return [self.times]


def test_a_value_is_made_once_and_kept() -> None:
    made = Made()
    made.go.set()
    assert made.value is made.value
    assert made.times == 1
    assert Made.value.__doc__ == "What it is."


def test_one_object_does_not_wait_for_another_of_its_class() -> None:
    slow, quick = Made(), Made()
    thread = Thread(target=lambda: slow.value)
    thread.start()
    slow.begun.wait(20)
    quick.go.set()
    assert quick.value == [1]
    slow.go.set()
    thread.join()


def test_of_two_threads_that_meet_one_value_is_kept() -> None:
    made, seen = Made(), []
    threads = [Thread(target=lambda: seen.append(made.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    made.begun.wait(20)
    made.go.set()
    for thread in threads:
        thread.join()
    assert seen[0] is seen[1]
    assert seen[0] is made.value
