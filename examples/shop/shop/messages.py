"""What the shop takes and gives as JSON."""

from pydantic import BaseModel, ConfigDict, Field


class ProductAnswer(BaseModel):
    """A product; the price is in cents."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price: int


class AvailableProductAnswer(ProductAnswer):
    """A product and how many pieces there are; null where nobody can say."""

    available: int | None


class OrderRequest(BaseModel):
    """An order as a customer gives it."""

    product_id: int
    quantity: int = Field(gt=0)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")


class OrderAnswer(BaseModel):
    """A stored order."""

    id: int
    total: int
