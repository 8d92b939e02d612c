"""Lazy pictures: the right ones, in any order, each decoded once when going forward."""

import numpy as np
import pytest
from PIL import Image

from bench.data.plant.movie import Movie
from bench.data.plant.pictures import Pictures
from bench.data.plant.simulate import write_film
from bench.data.plant.stills import Array, Images
from bench.data.recording import Signal, chunks_of
from models.errors import InvalidRequest

COUNT = 700


def numbered(count=COUNT):
    """Pictures of 16 x 40 that each say their number in ten squares, so plainly that no codec hides it."""
    bits = np.arange(count)[:, None] >> np.arange(10) & 1
    squares = bits.reshape(count, 2, 5).repeat(8, axis=1).repeat(8, axis=2)
    return np.repeat(squares[..., None] * 255, 3, axis=3).astype(np.uint8)


def number_of(picture):
    bright = picture.reshape(2, 8, 5, 8, 3).mean(axis=(1, 3, 4)).ravel() > 127
    return int(bright @ (1 << np.arange(10)))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for suffix in ("mkv", "mp4", "avi"):
        write_film(folder / f"video.{suffix}", numbered(), 25.0)
    return folder


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "avi"])
def test_a_film_knows_its_clock_and_gives_each_picture_in_any_order(films, suffix):
    movie = Movie(films / f"video.{suffix}")
    assert movie.count == COUNT and movie.shape == (16, 40, 3)
    assert movie.times == pytest.approx(np.arange(COUNT) / 25, abs=1e-3)
    wanted = [0, 1, 2, 650, 10, 11, 699, 3, 400, 401]
    assert [number_of(next(movie.pictures([each]))) for each in wanted] == wanted


def test_a_film_without_loss_is_the_pictures(films):
    movie = Movie(films / "video.mkv")
    assert (np.stack(list(movie.pictures(range(COUNT)))) == numbered()).all()


def test_going_forward_decodes_every_picture_once(films, monkeypatch):
    steps = []
    step = Movie._step
    monkeypatch.setattr(Movie, "_step", lambda self, number: (steps.append(number), step(self, number))[1])
    movie = Movie(films / "video.mp4")
    shown = Pictures(movie, np.arange(COUNT), (), 128, False)
    read = [chunk.values for chunk in chunks_of(Signal(shown, 25.0), 2.0, 3)]
    assert [number_of(picture) for picture in np.concatenate(read)] == list(range(COUNT))
    assert len(steps) == COUNT


def test_a_jump_ahead_does_not_decode_what_lies_between(films, monkeypatch):
    steps = []
    step = Movie._step
    monkeypatch.setattr(Movie, "_step", lambda self, number: (steps.append(number), step(self, number))[1])
    assert number_of(next(Movie(films / "video.mkv").pictures([690]))) == 690
    assert len(steps) < 50


def test_a_picture_that_several_ticks_show_is_decoded_once(films, monkeypatch):
    asked = []
    movie = Movie(films / "video.mkv")
    pictures = movie.pictures
    monkeypatch.setattr(movie, "pictures", lambda wanted: pictures(asked.append(n) or n for n in wanted))
    shown = Pictures(movie, np.repeat(np.arange(5), 4), (), 128, False)
    assert [number_of(each) for each in shown[2:18]] == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4]
    assert asked == [0, 1, 2, 3, 4]


def test_crop_shrink_and_grey(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 30, 41, 3), dtype=np.uint8)
    np.save(tmp_path / "video.npy", pictures)
    array = Array(tmp_path / "video.npy")
    whole = Pictures(array, np.arange(3), (), 128, False)
    assert whole.shape == (3, 30, 41, 3) and (whole[:] == pictures).all()
    cropped = Pictures(array, np.arange(3), (5, 2, 20, 16), 128, False)
    assert (cropped[:] == pictures[:, 2:18, 5:25]).all()
    small = Pictures(array, np.arange(3), (5, 2, 20, 16), 10, False)
    means = pictures[:, 2:18, 5:25].reshape(3, 8, 2, 10, 2, 3).mean(axis=(2, 4))
    assert small.shape == (3, 8, 10, 3) and np.abs(small[:] - means).max() <= 0.5
    grey = Pictures(array, np.arange(3), (), 128, True)
    assert grey.shape == (3, 30, 41, 1)
    assert np.abs(grey[:][..., 0] - pictures @ np.array([0.299, 0.587, 0.114])).max() <= 0.51


def test_a_stream_of_jpegs_has_pictures_but_no_clock(tmp_path):
    with (tmp_path / "video.mjpeg").open("wb") as file:
        for picture in numbered(30):
            Image.fromarray(picture).save(file, "JPEG", quality=95)
    movie = Movie(tmp_path / "video.mjpeg")
    assert movie.count == 30 and movie.times is None
    assert [number_of(next(movie.pictures([each]))) for each in (0, 7, 29, 3)] == [0, 7, 29, 3]


def test_a_slice_may_be_empty(films):
    shown = Pictures(Movie(films / "video.mkv"), np.arange(COUNT), (), 128, False)
    assert shown[10:10].shape == (0, 16, 40, 3)


def test_images_are_read_by_the_numbers_in_their_names(tmp_path):
    for number in (10, 9, 1):
        Image.fromarray(np.full((6, 8, 3), number, np.uint8)).save(tmp_path / f"shell-{number}.png")
    images = Images(tmp_path)
    assert images.shape == (6, 8, 3)
    assert [int(each[0, 0, 0]) for each in images.pictures(range(3))] == [1, 9, 10]
    listed = Images(tmp_path, ["shell-9.png", "shell-1.png"])
    assert [int(each[0, 0, 0]) for each in listed.pictures(range(2))] == [9, 1]


def test_grey_images_have_one_channel(tmp_path):
    Image.fromarray(np.full((6, 8), 7, np.uint8)).save(tmp_path / "1.png")
    assert Images(tmp_path).shape == (6, 8, 1)


def test_a_film_cut_short_is_told_by_its_picture(films, tmp_path):
    whole = (films / "video.avi").read_bytes()
    damaged = bytearray(whole)
    middle = len(whole) // 2
    damaged[middle : middle + 40_000] = b"\0" * 40_000
    (tmp_path / "video.avi").write_bytes(damaged)
    movie = Movie(tmp_path / "video.avi")
    with pytest.raises(InvalidRequest, match=r"video\.avi: picture \d+ of \d+ cannot be decoded"):
        list(movie.pictures(range(COUNT)))
