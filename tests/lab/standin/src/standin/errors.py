"""Errors as the API returns them."""

from __future__ import annotations


class ApiError(Exception):
    """status: HTTP status. id: the error's name, which callers compare. message: for people."""

    def __init__(self, status: int, id: str, message: str = "", detailed: str = ""):
        super().__init__(id)
        self.status, self.id, self.message, self.detailed = status, id, message or id, detailed

    def body(self, request_id: str) -> dict:
        found = {"id": self.id, "message": self.message, "detailed_error": self.detailed}
        return found | ({"request_id": request_id} if request_id else {}) | {"status_code": self.status}


def not_logged_in() -> ApiError:
    return ApiError(401, "api.context.session_expired.app_error", "Invalid or expired session, please login again.")


def forbidden() -> ApiError:
    return ApiError(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")


def no_route() -> ApiError:
    return ApiError(404, "api.context.404.app_error", "Sorry, we could not find the page.")


def bad_body(name: str) -> ApiError:
    return ApiError(400, "api.context.invalid_body_param.app_error", f"Invalid or missing {name} in request body.")
