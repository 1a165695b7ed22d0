"""Statements of SQLAlchemy's ORM and core. Each function is a target; `main` calls them."""

import os

import sqlalchemy.exc
from sqlalchemy import DateTime, ForeignKey, create_engine, func, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    total: Mapped[int]
    at: Mapped[object] = mapped_column(DateTime, server_default=func.now())
    customer: Mapped[Customer] = relationship(back_populates="orders")


engine = create_engine(os.environ["SHOP_DATABASE"])
Local = sessionmaker(engine)


def place(name, total):
    with Local() as s:
        c = s.scalars(select(Customer).where(Customer.name == name)).one()
        o = Order(customer=c, total=total)
        s.add(o)
        s.commit()
        return o.id, len(c.orders), o.at is not None


def begin(name):
    with Local.begin() as s:
        c = Customer(name=name)
        s.add(c)
        s.flush()
        return c.id


def dup(name):
    with Local() as s:
        s.add(Customer(name=name))
        try:
            s.commit()
        except sqlalchemy.exc.IntegrityError as e:
            s.rollback()
            return type(e.orig).__name__, s.scalar(select(func.count()).select_from(Customer))


def given(session, name):
    c = session.execute(select(Customer).filter_by(name=name)).scalar_one()
    c.orders.append(Order(total=9))
    session.commit()
    return [o.total for o in c.orders]


def core(total):
    with engine.begin() as c:
        c.execute(insert(Order), [{"customer_id": 1, "total": total}, {"customer_id": 1, "total": total + 1}])
        return c.execute(text("SELECT count(*) FROM orders")).scalar()


def conn(c):
    return c.execute(text("SELECT total FROM orders ORDER BY id")).scalars().all()


def ret(total):
    with engine.begin() as c:
        return c.execute(insert(Order).values(customer_id=1, total=total).returning(Order.id)).scalar_one()


def get(id):
    with Local() as s:
        o = s.get(Order, id)
        return o.total, o.customer.name


def missing(id):
    with Local() as s:
        return s.get(Order, id)


def nested(name):
    with Local() as s, s.begin():
        try:
            with s.begin_nested():
                s.add(Customer(name=name))
                s.flush()
        except sqlalchemy.exc.IntegrityError:
            pass
        return s.scalar(select(func.count()).select_from(Customer))


def obj(name):
    with Local(expire_on_commit=False) as s:
        return s.scalars(select(Customer).where(Customer.name == name)).one()


class Repo:
    def __init__(self, factory):
        self.factory = factory

    def names(self):
        with self.factory() as s:
            return s.scalars(select(Customer.name).order_by(Customer.id)).all()


class ERepo:
    def __init__(self, engine):
        self.engine = engine

    def names(self):
        with self.engine.connect() as c:
            return [tuple(r) for r in c.execute(select(Customer.__table__.c.name))]


def upd(total):
    with Local() as s:
        n = s.execute(update(Order).where(Order.total > 1).values(total=total)).rowcount
        s.commit()
        return n


def main(*a):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Local() as s:
        s.add(Customer(name="ann"))
        s.commit()
    place("ann", 5)
    begin("bob")
    dup("ann")
    with Local() as s:
        given(s, "ann")
    core(7)
    get(1)
    missing(999)
    nested("ann")
    obj("ann")
    Repo(Local).names()
    ERepo(engine).names()
    upd(3)
    ret(8)
    with engine.connect() as c:
        conn(c)
