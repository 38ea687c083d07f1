"""The shop's tables, and what it asks of them."""

from collections.abc import Sequence

from sqlalchemy import Engine, ForeignKey, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateTable

_ASSORTMENT = (("Teapot", 2400), ("Cup", 750), ("Tray", 1800), ("Samovar", 12900))


class Base(DeclarativeBase):
    """All tables of the shop."""


class Product(Base):
    """Something to buy; the price is in cents."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]


class Order(Base):
    """Somebody's wish for some pieces of a product."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    email: Mapped[str]


class Database:
    """The shop's database; every method is one transaction."""

    def __init__(self, url: str) -> None:
        """Make ready to connect to the database at `url`."""
        self._engine: Engine = create_engine(url)

    def prepare(self) -> None:
        """Create the tables and the assortment where they are missing."""
        try:
            with self._session() as session:
                for table in Base.metadata.sorted_tables:
                    session.execute(CreateTable(table, if_not_exists=True))
                if not session.scalar(select(func.count()).select_from(Product)):
                    session.add_all(
                        Product(id=number, name=name, price=price) for number, (name, price) in enumerate(_ASSORTMENT, start=1)
                    )
                session.commit()
        except IntegrityError:
            pass  # another worker was faster

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def products(self) -> Sequence[Product]:
        """Return all products."""
        with self._session() as session:
            return session.scalars(select(Product).order_by(Product.id)).all()

    def product(self, number: int) -> Product | None:
        """Return one product, or None where there is no such one."""
        with self._session() as session:
            return session.scalar(select(Product).where(Product.id == number))

    def order(self, number: int) -> Order | None:
        """Return one order, or None where there is no such one."""
        with self._session() as session:
            return session.scalar(select(Order).where(Order.id == number))

    def add_order(self, order: Order) -> int:
        """Store a new order and return its number."""
        with self._session() as session:
            session.add(order)
            session.commit()
            return order.id

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)
