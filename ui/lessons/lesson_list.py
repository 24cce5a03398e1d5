"""All lessons: the ways through them, how long each takes, and how far one has come."""

import streamlit as st

from minigpt_core.errors import StoreError, UserError
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.catalogue import PATHWAYS, Pathway
from minigpt_core.lessons.lesson import Lesson
from minigpt_core.lessons.remarks import remarks_on
from minigpt_core.store.facts import Progress
from ui import facts, state
from ui import workspace as workspaces
from ui.lessons import current
from ui.words.i18n import _, language, n_, number, translate
from ui.words.tokens import escape, escape_markdown


def section() -> None:
    """The pathways, then every lesson with one button."""
    above = st.container()
    _own()  # it stands below, but what it takes in stands in the list at once
    with above:
        _all()


def _all() -> None:
    found = catalogue.lessons(language())
    lessons = [lesson for lesson in found if isinstance(lesson, Lesson)]
    progress = _progress()
    _ended({lesson.name: lesson for lesson in lessons}, progress)
    _pathways({lesson.name: lesson for lesson in lessons}, progress)
    for place, lesson in enumerate(lessons, start=1):
        _row(place, lesson, progress.get(lesson.name))
    for reason in found:
        if isinstance(reason, UserError):
            st.warning(escape_markdown(translate(reason)), icon=":material/info:")


def _ended(lessons: dict[str, Lesson], progress: dict[str, Progress]) -> None:
    """What was just finished, and the lesson that comes next: on the way that was begun, or in the list; who came by a
    link to this lesson has done what was asked."""
    ended, way = lessons.get(state.page_state(current.ENDED, None) or ""), current.way()
    if ended is None:
        return
    over = is_over(ended, progress.get(ended.name))
    with st.container(horizontal=True, vertical_alignment="center", key="lesson_ended", border=True):
        words = _("Done: {title}") if over else _("At its end, with steps left open: {title}")
        sign = "<b class='mg-tick'>✓</b> " if over else ""
        st.html(
            f"<div class='mg-lesson'>{sign}<b>{escape(words.format(title=ended.title))}</b></div>",
            width="stretch",
        )
        if not way:
            words = _("That is as far as the link leads; all lessons stand below.")
            st.html(f"<div class='mg-lesson'>{escape(words)}</div>")
        elif following := next_lesson(ended.name, way, lessons, progress):
            st.button(
                _("Next: {title}").format(title=escape_markdown(following.title)), type="primary",
                icon=":material/arrow_forward:", key="lesson_following", on_click=current.begin,
                args=(following.name, None, way),
            )  # fmt: skip
        elif over and (pathway := _pathway_of(ended.name, way)) is not None:
            words = _("“{way}” is done to its end. The exit ticket is at the foot of this page.")
            st.html(f"<div class='mg-lesson'>{escape(words.format(way=_(pathway.title)))}</div>")


def _pathway_of(lesson: str, way: str) -> Pathway | None:
    """The pathway of this name, if the lesson is on it."""
    return next((one for one in PATHWAYS if one.name == way and lesson in one.lessons), None)


def next_lesson(
    ended: str, way: str, lessons: dict[str, Lesson], progress: dict[str, Progress]
) -> Lesson | None:
    """The first lesson after this one that is not over, on this way or in the whole list; else the first before it."""
    pathway = _pathway_of(ended, way)
    names = pathway.lessons if pathway else (*lessons,)
    place = names.index(ended)
    left = (
        lessons[name]
        for name in (*names[place + 1 :], *names[:place])
        if name in lessons and not is_over(lessons[name], progress.get(name))
    )
    return next(left, None)


def _progress() -> dict[str, Progress]:
    try:
        return facts.store().progress(state.workspace())
    except StoreError:
        return {}


def _pathways(lessons: dict[str, Lesson], progress: dict[str, Progress]) -> None:
    """The ways through the lessons, side by side; a button leads to the next lesson of each."""
    shown = [one for one in PATHWAYS if all(name in lessons for name in one.lessons)]
    for pathway, column in zip(shown, st.columns(max(len(shown), 1), gap="small"), strict=False):
        with column, st.container(border=True, height="stretch"):
            _pathway(pathway, lessons, progress)


def _pathway(pathway: Pathway, lessons: dict[str, Lesson], progress: dict[str, Progress]) -> None:
    over = [name for name in pathway.lessons if is_over(lessons[name], progress.get(name))]
    st.markdown(f"**{_(pathway.title)}**")
    st.caption(_(pathway.about))
    if following := next((name for name in pathway.lessons if name not in over), None):
        title = escape_markdown(lessons[following].title)
        words = (
            _("Go on: {title}")
            if following in progress
            else _("Next: {title}")
            if over
            else _("Begin: {title}")
        )
        st.button(
            words.format(title=title),
            key=f"pathway_{pathway.name}", on_click=current.begin, args=(following, None, pathway.name),
        )  # fmt: skip
    minutes = sum(lessons[name].minutes for name in pathway.lessons)
    said = n_("about {n} minute", "about {n} minutes", minutes).format(n=number(minutes))
    if len(pathway.lessons) > 1:
        done = _("lessons done: {n} of {all}").format(n=number(len(over)), all=number(len(pathway.lessons)))
        said = f"{done} · {said}"
    st.caption(said)


def is_over(lesson: Lesson, progress: Progress | None) -> bool:
    """Whether all that a lesson asks to be done was done, and its last step reached; whoever looks at an earlier step
    again afterwards undoes nothing."""
    if progress is None:
        return False
    asked = {n for n, step in enumerate(lesson.steps, start=1) if step.condition is not None}
    last = len(lesson.steps)
    return asked <= progress.done and (last in progress.done or progress.step == last)


def _row(place: int, lesson: Lesson, progress: Progress | None) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", wrap=False, key=f"lesson_row_{lesson.name}"
    ):
        st.html(_words(place, lesson, progress), width="stretch")
        begun = progress is not None and not is_over(lesson, progress)
        words = _("Go on") if begun else _("Again") if progress else _("Begin")
        st.button(
            words, key=f"lesson_begin_{lesson.name}", icon=":material/play_arrow:",
            on_click=current.begin if begun else current.begin_again, args=(lesson.name,),
            type="primary" if begun else "secondary",
        )  # fmt: skip


def _words(place: int, lesson: Lesson, progress: Progress | None) -> str:
    """Number, title, what one will have done, the idea that it meets, minutes, progress."""
    minutes = n_("about {n} minute", "about {n} minutes", lesson.minutes).format(n=number(lesson.minutes))
    parts = [minutes]
    if lesson.own:
        parts.append(_("yours, from the data folder"))
    if is_over(lesson, progress):
        parts.append(f"✓ {_('done')}")
    elif progress:
        parts.append(
            _("left at step {n} of {all}").format(n=number(progress.step), all=number(len(lesson.steps)))
        )
    idea = f" <i>{escape(_('Is that so? {idea}').format(idea=lesson.idea))}</i>" if lesson.idea else ""
    return (
        f"<div class='mg-lesson-row'><b>{number(place)}. {escape(lesson.title)}</b> "
        f"<span class='mg-note'>{escape(' · '.join(parts))}</span>"
        f"<div>{escape(lesson.about)}{idea}</div></div>"
    )


def _own() -> None:
    with st.expander(_("Write a lesson of your own"), icon=":material/edit:"):
        st.markdown(
            _(
                "A lesson is one Markdown file, such as `my-lesson.en.md`, in the folder `lessons` beside the runs. It "
                "stands in the list as soon as it is there; `docs/lessons.md` explains the format with an example."
            )
        )
        if state.may_teach():
            _upload()
        if (
            state.workspace() == workspaces.LOCAL
        ):  # where things are on this machine is nobody else's business
            st.code(str(catalogue.own_folder()), language=None)


def _upload() -> None:
    """Another way to the same folder. A file with a mistake is not kept, and the mistake is named."""
    file = st.file_uploader(
        _("A lesson of yours, named after itself and its language"), type="md", key="lesson_upload",
        max_upload_size=1,
    )  # fmt: skip
    if file is None:
        return
    try:
        lesson = catalogue.keep(file.getvalue(), file.name)
    except UserError as error:
        st.error(escape_markdown(translate(error)), icon=":material/error:")
        return
    words = _("“{title}” stands in the list now, for everybody who uses this server.")
    st.success(escape_markdown(words.format(title=lesson.title)))
    for remark in remarks_on(lesson):
        st.info(escape_markdown(translate(remark)), icon=":material/info:")
