"""Types whose objects are never pickled: they cannot be stored, they hold secrets, or they are not evaluated yet.

Types are recognised by the names in their MRO. So none of the libraries listed here is imported, and subclasses are
left out too.
"""

from __future__ import annotations

from ...core.type_facts import module_name, mro, qualname, type_name
from ...placeholder import LAZY, REDACTED, UNSTORABLE

_HANDLE = "an open handle to the operating system"
_DATABASE = "a connection to a database"
_NETWORK = "a connection over the network"
_RUNNING = "code that is running"
_ITERATOR = "an iterator, which is not consumed"
_THREADS = "it has running threads or processes"
_CONTEXT = "it belongs to a running context"
_WEAK = "it holds weak references"
_REQUEST = "a request carries credentials"
_SETTINGS = "settings hold secrets"
_ENVIRONMENT = "the environment holds secrets"
_LAZY = "lazy and not yet evaluated; capturing does not force it"

_BY_REASON: dict[tuple[str, str], str] = {
    (UNSTORABLE, _HANDLE): """
        _io._IOBase io.IOBase tempfile._TemporaryFileWrapper tempfile.TemporaryDirectory mmap.mmap zipfile.ZipFile
        tarfile.TarFile select.epoll select.poll selectors.BaseSelector subprocess.Popen posix.ScandirIterator
        posix.DirEntry shelve.Shelf dbm.gnu _dbm.dbm _gdbm.gdbm
    """,
    (UNSTORABLE, _DATABASE): """
        sqlite3.Connection sqlite3.Cursor sqlite3.Blob psycopg2.extensions.connection psycopg2.extensions.cursor
        psycopg._connection_base.BaseConnection psycopg._cursor_base.BaseCursor psycopg_pool.base.BasePool
        asyncpg.connection.Connection asyncpg.pool.Pool asyncpg.cursor.Cursor pymysql.connections.Connection
        pymysql.cursors.Cursor MySQLdb.connections.Connection MySQLdb.cursors.BaseCursor aiomysql.connection.Connection
        mysql.connector.abstracts.MySQLConnectionAbstract mysql.connector.abstracts.MySQLCursorAbstract
        mysql.connector.connection_cext.CMySQLConnection cx_Oracle.Connection cx_Oracle.Cursor
        oracledb.connection.BaseConnection oracledb.cursor.BaseCursor pyodbc.Connection pyodbc.Cursor
        duckdb.duckdb.DuckDBPyConnection _duckdb.DuckDBPyConnection aiosqlite.core.Connection
        sqlalchemy.engine.base.Connection sqlalchemy.engine.base.Engine sqlalchemy.engine.base.Transaction
        sqlalchemy.engine.result.Result sqlalchemy.engine.cursor.CursorResult sqlalchemy.orm.session.Session
        sqlalchemy.orm.session.sessionmaker sqlalchemy.orm.scoping.scoped_session sqlalchemy.pool.base.Pool
        sqlalchemy.ext.asyncio.session.AsyncSession sqlalchemy.ext.asyncio.engine.AsyncEngine
        sqlalchemy.ext.asyncio.engine.AsyncConnection peewee.Database
        django.db.backends.base.base.BaseDatabaseWrapper django.db.backends.utils.CursorWrapper
        pymongo.mongo_client.MongoClient pymongo.synchronous.mongo_client.MongoClient
        pymongo.asynchronous.mongo_client.AsyncMongoClient pymongo.database.Database pymongo.collection.Collection
        redis.client.Redis redis.client.PubSub redis.connection.ConnectionPool redis.asyncio.client.Redis
        cassandra.cluster.Session cassandra.cluster.Cluster neo4j._sync.driver.Driver
        elasticsearch.Elasticsearch opensearchpy.client.OpenSearch
    """,
    (UNSTORABLE, _NETWORK): """
        _socket.socket socket.socket ssl.SSLContext _ssl._SSLContext _ssl._SSLSocket http.client.HTTPConnection
        http.client.HTTPResponse urllib3.connectionpool.ConnectionPool urllib3.poolmanager.PoolManager
        requests.sessions.Session httpx._client.BaseClient aiohttp.client.ClientSession aiohttp.connector.BaseConnector
        aiohttp.connector.Connection smtplib.SMTP ftplib.FTP imaplib.IMAP4 paramiko.client.SSHClient
        paramiko.transport.Transport
        grpc.Channel grpc._channel.Channel grpc.aio._base_channel.Channel botocore.client.BaseClient
        boto3.resources.base.ServiceResource kafka.producer.kafka.KafkaProducer kafka.consumer.group.KafkaConsumer
        confluent_kafka.cimpl.Producer confluent_kafka.cimpl.Consumer pika.connection.Connection
        pika.adapters.blocking_connection.BlockingConnection zmq.sugar.socket.Socket zmq.sugar.context.Context
        zmq.backend.cython._zmq.Socket asyncio.transports.BaseTransport asyncio.streams.StreamReader
        asyncio.streams.StreamWriter multiprocessing.connection._ConnectionBase websockets.protocol.Protocol
        gunicorn.http.body.Body gunicorn.http.unreader.Unreader gunicorn.http.message.Message
    """,
    (UNSTORABLE, _RUNNING): """
        builtins.generator builtins.coroutine builtins.async_generator builtins.coroutine_wrapper builtins.frame
        builtins.traceback builtins.async_generator_asend builtins.async_generator_athrow
        _asyncio.Future _asyncio.Task asyncio.futures.Future asyncio.tasks.Task asyncio.events.AbstractEventLoop
        asyncio.runners.Runner asyncio.events.Handle asyncio.taskgroups.TaskGroup concurrent.futures._base.Future
    """,
    (UNSTORABLE, _THREADS): """
        threading.Thread concurrent.futures._base.Executor multiprocessing.process.BaseProcess
        multiprocessing.pool.Pool multiprocessing.managers.BaseManager multiprocessing.queues.Queue
        multiprocessing.queues.SimpleQueue multiprocessing.synchronize.SemLock multiprocessing.synchronize.Condition
        multiprocessing.synchronize.Event
    """,
    (UNSTORABLE, _CONTEXT): """
        _contextvars.ContextVar _contextvars.Context _contextvars.Token builtins.ContextVar builtins.Context
        builtins.Token _thread._local contextlib._GeneratorContextManager contextlib._AsyncGeneratorContextManager
        contextlib.ExitStack contextlib.AsyncExitStack flask.ctx.AppContext flask.ctx.RequestContext
    """,
    (UNSTORABLE, _WEAK): """
        weakref.WeakValueDictionary weakref.WeakKeyDictionary weakref.ReferenceType builtins.weakref
        weakref.finalize builtins.weakproxy weakref.ProxyType weakref.CallableProxyType
    """,
    (UNSTORABLE, _ITERATOR): """
        builtins.map builtins.zip builtins.filter builtins.enumerate builtins.reversed builtins.callable_iterator
        builtins.iterator builtins.memory_iterator itertools.* csv.reader _csv.reader csv.DictReader
        _sre.SRE_Scanner
    """,
    (LAZY, _LAZY): """
        werkzeug.local.LocalProxy django.db.models.query.RawQuerySet sqlalchemy.orm.query.Query
        sqlalchemy.orm.dynamic.AppenderMixin sqlalchemy.orm.writeonly.WriteOnlyCollection
        lazy_object_proxy.slots.Proxy lazy_object_proxy.cext.Proxy
    """,
    (REDACTED, _ENVIRONMENT): "os._Environ",
    (REDACTED, _REQUEST): """
        django.http.request.HttpRequest werkzeug.sansio.request.Request werkzeug.wrappers.request.Request
        flask.wrappers.Request starlette.requests.HTTPConnection aiohttp.web_request.BaseRequest
        tornado.httputil.HTTPServerRequest sanic.request.types.Request bottle.BaseRequest webob.request.BaseRequest
        falcon.request.Request requests.models.Request requests.models.PreparedRequest requests.auth.AuthBase
        httpx._models.Request urllib.request.Request http.cookiejar.CookieJar
    """,
    (REDACTED, _SETTINGS): """
        django.conf.Settings django.conf.LazySettings django.conf.UserSettingsHolder pydantic_settings.main.BaseSettings
        pydantic.env_settings.BaseSettings pydantic.v1.env_settings.BaseSettings flask.config.Config
        starlette.config.Config dynaconf.base.Settings dynaconf.base.LazySettings decouple.Config
        environ.environ.Env scrapy.settings.BaseSettings
    """,
}

_IN_MEMORY = frozenset({"_io.BytesIO", "_io.StringIO"})  # of the types that are listed: they hold nothing but data
_NAMED = {name: (kind, reason) for (kind, reason), names in _BY_REASON.items() for name in names.split()}


def special(kind: type) -> tuple[str, str] | None:
    """(placeholder kind, reason) for a type whose objects are left out; None for others."""
    if type_name(kind) in _IN_MEMORY:
        return None
    for base in mro(kind):
        module, name = module_name(base), qualname(base)
        found = _NAMED.get(f"{module}.{name}") or _NAMED.get(f"{module}.*")
        if found is not None:
            return found
    return None


def reason_of_name(name: str) -> str | None:
    """The reason why objects of a type are left out, by a name that a program imports it by; None for others.

    `sqlalchemy.orm.Session` is the type that is defined in `sqlalchemy.orm.session`. Types of the interpreter, which
    may hold plain data, do not count.
    """
    package, _, _ = name.partition(".")
    last = name.rpartition(".")[2]
    for full, (kind, reason) in _NAMED.items():
        if (
            kind == UNSTORABLE
            and reason in _LIVE
            and full.rpartition(".")[2] == last
            and full.startswith(f"{package}.")
        ):
            return reason
    return None


_LIVE = frozenset({_DATABASE, _NETWORK})
