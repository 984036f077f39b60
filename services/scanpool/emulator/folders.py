"""The folders that scans lie in."""

from itertools import count
from typing import Any

from scanpool.emulator.errors import ApiError, not_found

TRASH, MY_SCANS = 2, 3


class Folders:
    """The two folders that every scanner has, and those that were made."""

    def __init__(self) -> None:
        self._names = {TRASH: "Trash", MY_SCANS: "My Scans"}
        self._ids = count(4)

    def __contains__(self, folder_id: int) -> bool:
        return folder_id in self._names

    def listed(self) -> list[dict[str, Any]]:
        """The folders as the API lists them."""
        return [
            {
                "id": number,
                "name": name,
                "type": {TRASH: "trash", MY_SCANS: "main"}.get(number, "custom"),
                "custom": int(number > MY_SCANS),
                "default_tag": int(number == MY_SCANS),
                "unread_count": None if number == TRASH else 0,
            }
            for number, name in self._names.items()
        ]

    def create(self, name: object) -> int:
        """Make a folder.

        Raises:
            ApiError: the name is no name, or is taken.
        """
        if not isinstance(name, str) or not name.strip() or name in self._names.values():
            raise ApiError(400, "Invalid folder name")
        number = next(self._ids)
        self._names[number] = name
        return number

    def rename(self, folder_id: int, name: object) -> None:
        """Give a folder that was made another name."""
        self._custom(folder_id)
        if not isinstance(name, str) or not name.strip():
            raise ApiError(400, "Invalid folder name")
        self._names[folder_id] = name

    def delete(self, folder_id: int) -> None:
        """Remove a folder that was made."""
        self._custom(folder_id)
        del self._names[folder_id]

    def _custom(self, folder_id: int) -> None:
        if folder_id not in self._names:
            raise not_found()
        if folder_id <= MY_SCANS:
            raise ApiError(403, "This folder cannot be changed")
