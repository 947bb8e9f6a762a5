"""What one visitor has: a study, what is shown of it, its jobs, its folder, its address."""

from .session import Session

__all__ = ["Session"]
