"""Statements of SQLAlchemy's asynchronous engine, ORM and core. Each function is a target; `main` calls them."""

import asyncio
import os

import sqlalchemy.exc
from sqlalchemy import ForeignKey, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncAttrs, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(AsyncAttrs, DeclarativeBase):
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
    customer: Mapped[Customer] = relationship(back_populates="orders")


engine = create_async_engine(os.environ["SHOP_DATABASE"])
Local = async_sessionmaker(engine, expire_on_commit=False)


async def place(name, total):
    async with Local() as s:
        c = (await s.scalars(select(Customer).where(Customer.name == name))).one()
        o = Order(customer_id=c.id, total=total)
        s.add(o)
        await s.commit()
        return o.id


async def begin(name):
    async with Local.begin() as s:
        c = Customer(name=name)
        s.add(c)
        await s.flush()
        return c.id


async def dup(name):
    async with Local() as s:
        s.add(Customer(name=name))
        try:
            await s.commit()
        except sqlalchemy.exc.IntegrityError:
            await s.rollback()
            return await s.scalar(select(func.count()).select_from(Customer))


async def given(session, name):
    c = (await session.execute(select(Customer).filter_by(name=name))).scalar_one()
    session.add(Order(customer_id=c.id, total=9))
    await session.commit()
    return [o.total for o in (await session.scalars(select(Order).order_by(Order.id))).all()]


async def eager(name):
    async with Local() as s:
        query = select(Customer).where(Customer.name == name).options(selectinload(Customer.orders))
        return [o.total for o in (await s.scalars(query)).one().orders]


async def lazy(name):
    async with Local() as s:
        c = (await s.scalars(select(Customer).where(Customer.name == name))).one()
        return len(await c.awaitable_attrs.orders)


async def core(total):
    async with engine.begin() as c:
        await c.execute(insert(Order), [{"customer_id": 1, "total": total}, {"customer_id": 1, "total": total + 1}])
        return (await c.execute(text("SELECT count(*) FROM orders"))).scalar()


async def conn(c):
    return (await c.execute(text("SELECT total FROM orders ORDER BY id"))).scalars().all()


async def ret(total):
    async with engine.begin() as c:
        return (await c.execute(insert(Order).values(customer_id=1, total=total).returning(Order.id))).scalar_one()


async def streamed():
    async with engine.connect() as c:
        result = await c.stream(select(Order.total).order_by(Order.id))
        return [row.total async for row in result]


async def stream_scalars():
    async with Local() as s:
        return [total async for total in await s.stream_scalars(select(Order.total).order_by(Order.id))]


async def get(id):
    async with Local() as s:
        o = await s.get(Order, id)
        return None if o is None else o.total


async def nested(name):
    async with Local() as s, s.begin():
        try:
            async with s.begin_nested():
                s.add(Customer(name=name))
                await s.flush()
        except sqlalchemy.exc.IntegrityError:
            pass
        return await s.scalar(select(func.count()).select_from(Customer))


async def in_sync():
    async with engine.connect() as c:
        return await c.run_sync(lambda sync: sync.execute(text("SELECT count(*) FROM customer")).scalar())


async def together():
    async def one(n):
        async with engine.connect() as c:
            return (await c.execute(text("SELECT CAST(:n AS INTEGER)"), {"n": n})).scalar()

    return await asyncio.gather(*[one(n) for n in range(3)])


class Repo:
    def __init__(self, factory):
        self.factory = factory

    async def names(self):
        async with self.factory() as s:
            return (await s.scalars(select(Customer.name).order_by(Customer.id))).all()


class ERepo:
    def __init__(self, engine):
        self.engine = engine

    async def names(self):
        async with self.engine.connect() as c:
            return [tuple(r) for r in await c.execute(select(Customer.__table__.c.name))]


async def upd(total):
    async with Local() as s:
        n = (await s.execute(update(Order).where(Order.total > 1).values(total=total))).rowcount
        await s.commit()
        return n


def main(*a):
    async def go():
        async with engine.begin() as c:
            await c.run_sync(Base.metadata.drop_all)
            await c.run_sync(Base.metadata.create_all)
        async with Local() as s:
            s.add(Customer(name="ann"))
            await s.commit()
        await place("ann", 5)
        await begin("bob")
        await dup("ann")
        async with Local() as s:
            await given(s, "ann")
        await eager("ann")
        await lazy("ann")
        await core(7)
        await ret(8)
        await streamed()
        await stream_scalars()
        await get(1)
        await get(999)
        await nested("ann")
        await in_sync()
        await together()
        await Repo(Local).names()
        await ERepo(engine).names()
        await upd(3)
        async with engine.connect() as c:
            await conn(c)
        await engine.dispose()

    asyncio.run(go())
