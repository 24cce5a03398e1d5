"""The wall for the projector: everybody's curve, and what the teacher has allowed."""

from ui.classroom.wall import wall

wall()
