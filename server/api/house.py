"""How a route reaches the node it speaks for."""

from typing import Annotated

from fastapi import Depends, Request

from server.house import House


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


TheHouse = Annotated[House, Depends(_house)]
