"""A small shop: a page takes orders, and a job writes each one's receipt into the same database."""

import os

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from liquid_background import expose
from liquid_background.flask import LiquidBackground, render_liquid
from liquid_background.sqlalchemy import after_commit


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
background = LiquidBackground()
background.send_when(after_commit(db.session))  # an order that is rolled back gets no receipt


@expose("id", "item", "quantity", "receipt")  # what pages may read of it
class Order(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    quantity: Mapped[int]
    receipt: Mapped[str | None]


@background.action
def save_receipt(order_id: int, text: str):
    order = db.session.get_one(Order, order_id)
    order.receipt = " ".join(text.split())
    db.session.commit()


def create_app(**config):
    app = Flask(__name__)
    url = os.environ.get("DATABASE_URL", "sqlite:///shop.db")
    app.config["SQLALCHEMY_DATABASE_URI"] = url.replace("postgresql://", "postgresql+psycopg://")
    app.config["LIQUID_BACKGROUND_BASE_URL"] = "https://shop.example"  # for url_for in jobs
    app.config.update(config)
    db.init_app(app)
    background.init_app(app)
    app.add_url_rule("/", view_func=orders)
    app.add_url_rule("/orders", view_func=buy, methods=["POST"])
    with app.app_context():
        db.create_all()
    return app


def orders():
    return render_liquid("orders", orders=db.session.scalars(db.select(Order).order_by(Order.id)).all())


def buy():
    order = Order(item=request.form["item"], quantity=int(request.form["quantity"]))
    db.session.add(order)
    db.session.flush()  # it has its id now
    page = render_liquid("thanks", order=order)
    if order.quantity > 10:
        db.session.rollback()
        return render_liquid("sorry"), 409
    db.session.commit()
    return page
